"""Pages are gathered as Python does."""

from kmcheck.lang import Object, alive, process, setup, start


class Page(Object):
    mapped: bool


@process
def kworker() -> None:
    mapped = [page for page in alive(Page) if page.mapped]
    first = {page for page in alive(Page)}
    number = sum([page.mapped for page in alive(Page)])


@setup
def one() -> None:
    start(kworker)
