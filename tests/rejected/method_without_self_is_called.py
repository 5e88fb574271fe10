"""What is wrong with a method is told once."""

from kmcheck.lang import Object, Ref, free, process, setup, start


class Page(Object):
    mapped: bool

    def on_free() -> None:
        pause()

    def unmap() -> None:
        pause()


@process
def kworker(page: Ref[Page]) -> None:
    page.unmap()
    free(page)


@setup
def one() -> None:
    start(kworker, Page())
