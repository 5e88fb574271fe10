"""A kref and a hash list have other names."""

from kmcheck.lang import Object, Ref, process, setup, start


class Thing(Object):
    ref: kref
    node: HlistNode


@process
def user(thing: Ref[Thing]) -> None:
    kref_get(thing.ref)
    hlist_add_head(thing.node)


@setup
def one() -> None:
    start(user, Thing())
