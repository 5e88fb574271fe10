"""An address is taken as in C."""

from kmcheck.kernel.refcount import Refcount, refcount_inc
from kmcheck.lang import Object, process, setup, start


class Memcg(Object):
    ref: Refcount


root = Memcg()


@process
def charge() -> None:
    refcount_inc(&root.ref)


@setup
def begin() -> None:
    start(charge)
