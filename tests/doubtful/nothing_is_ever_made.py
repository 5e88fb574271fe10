from kmcheck.lang import Object, Ref, alive, always, process, setup, start


class Memcg(Object):
    dying: bool


class Page(Object):
    memcg: Ref[Memcg]


page = Page()


@process
def charge() -> None:
    memcg = page.memcg
    if memcg is not None:
        memcg.dying = True


@setup
def world() -> None:
    start(charge)


@always
def none_dies(memcg: Memcg) -> bool:
    return not memcg.dying


@always
def none_dies_at_all() -> bool:
    return all(not memcg.dying for memcg in alive(Memcg))
