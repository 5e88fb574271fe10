"""Ghost code only writes ghosts: it decides nothing, and the code around it knows nothing of it."""

from kmcheck.lang import Annotated, Ghost, Object, Process, Ref, SetOf, ghost, me, process, setup, start


class Page(Object, limit=2):
    users: Annotated[int, range(4)]
    seen: Ghost[bool]


class Kernel(Object):
    users: Annotated[int, range(4)]
    who: Ghost[SetOf[Process]]
    last: Ghost[Ref[Page]]


kernel = Kernel()


@process
def kworker() -> None:
    mine = 1
    while True:
        kernel.users = mine
        with ghost():
            if me() in kernel.who:
                break
            mine = 2
            mine += 1
            kernel.last = Page()
            for other in kernel.who:
                kernel.last = None
            old = len(kernel.who)
            return
        kernel.users = old


@setup
def one() -> None:
    start(kworker)
