"""What goes wrong in the library is told where it is called."""

from kmcheck.kernel.rcu import call_rcu, rcu_assign_pointer, rcu_dereference
from kmcheck.kernel.slab import Gfp, kfree, kzalloc
from kmcheck.lang import Annotated, Object, process, setup, start


class Page(Object):
    users: Annotated[int, range(4)]


page = Page()


def release(page: Page) -> None:
    kfree(page.users)


@process
def kworker() -> None:
    users = page.users
    rcu_assign_pointer(users, 1)
    rcu_assign_pointer(page.users, page)
    call_rcu(page, release)
    kfree(users)
    kzalloc(page, Gfp.KERNEL)


@setup
def one() -> None:
    start(kworker)
