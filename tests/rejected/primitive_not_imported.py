"""A primitive and a word are not imported."""

from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


@process
def kworker() -> None:
    rcu_read_lock()
    with atomic("unmapped"):
        page.mapped = False
    rcu_read_unlock()
    spin_lok(page)


@setup
def one() -> None:
    start(kworker)
