"""Small specs, each about a few things that the native engine may get wrong in silence."""

from __future__ import annotations

from tests.language import program

PAGES = """
class Part(Object):
    n: Annotated[int, range(3)]


class Page(Object, limit=3):
    n: Annotated[int, range(5)]
    part: Part

"""
FIELDS = """
n: Annotated[int, range(40)]
m: Annotated[int, range(4)]
wide: int
flag: bool
p: Ref["Page"]
q: Ref["Page"]
s: SetOf["Page"]
l: ListOf["Page"]
part: Ref["Part"]
readers: SetOf[Process]
numbers: Annotated[ArrayOf[Annotated[int, range(3)]], 2]
"""
THREE = """
a = Page(n=1)
b = Page(n=2)
c = Page(n=3)
g.l.append(a)
g.l.append(b)
g.l.append(c)
g.s.add(a)
g.s.add(b)
g.s.add(c)
"""
SIZES = """
class Page(Object, limit=3):
    size: Size

"""
COUNTS = 'used: Counter\np: Ref["Page"]\nq: Ref["Page"]\nn: Annotated[int, range(8)]'
SIZED = "a = Page()\nb = Page()\nc = Page()\ng.used.add(a.size)\ng.p = c\ng.q = b"
READ = "with atomic():\n    g.readers.add(me())\nwith atomic():\n    g.readers.discard(me())"
WAIT = "old = g.readers.copy()\nwait_until(not old & g.readers)\nassert me() not in g.readers"
COUNT = "for _ in range({times}):\n    g.{name} = g.{name} + 1"


def about(*bodies: str, begin: str = "", more: str = "") -> str:
    """Return a spec about pages, with a process for each body."""
    return program(FIELDS, *bodies, more=PAGES + more, begin=begin)


def sized(*bodies: str, begin: str = SIZED, more: str = "") -> str:
    """Return a spec about sizes that are not known, with a process for each body."""
    return program(COUNTS, *bodies, more=SIZES + more, begin=begin)


def law(formula: str, name: str = "law") -> str:
    """Return a property that has to hold always."""
    return f"@always\ndef {name}() -> bool:\n    return {formula}\n"


PROGRAMS = {
    # --- cells ------------------------------------------------------------------------------------
    "full by one": about(COUNT.format(times=20, name="wide")),
    "arms": about("if g.m == 1:\n    g.flag = True\nelse:\n    g.n = 1", "g.m = 1\ng.n = 2"),
    "callback": program(
        'head: Ref["Head"]\nran: bool',
        'with atomic():\n    check(g.head.func is None, "called")\n    g.head.func(g.head)',
        "g.head.func = called",
        more='class Head(Object):\n    func: Callable[["Head"], None]\n\n'
        "def called(head: Head) -> None:\n    g.ran = True\n    head.func = None\n",
        begin="g.head = Head()",
    ),
    # --- many states, more than the first table has room for --------------------------------------
    "many": about(
        COUNT.format(times=9, name="n"),
        "for _ in range(3):\n    g.m = (g.m + g.n) % 4",
        'g.flag = True\nassert g.n < 7, "seven"',
    ),
    "many beginnings": program(
        "n: Annotated[int, range(200)]",
        "g.n = g.n",
        begin="for _ in range(7):\n    g.n = g.n * 2 + choose(0, 1)",
    ),
    "wide at last": about(
        "for _ in range(8):\n    g.flag = not g.flag",
        "for _ in range(8):\n    g.m = 3 - g.m",
        COUNT.format(times=9, name="wide"),
    ),
    "many words": about(
        COUNT.format(times=6, name="wide"),
        COUNT.format(times=6, name="n"),
        'free(g.p)\nassert g.wide < 6, "six"',
        begin=THREE + "g.p = b",
    ),
    # --- sets, lists, arrays ----------------------------------------------------------------------
    "choices": about("x = choose(g.s)\ng.n = x.n\ng.s.discard(x)\ng.p = choose(g.s)", begin=THREE),
    "freed behind": about("free(g.q)\ng.l.remove(g.p)", begin=THREE + "g.p = b\ng.q = c"),
    "index": about("g.numbers[g.m] = 1\ng.m = 2\nx = g.numbers[g.m]\ng.n = x"),
    "readers": about(READ, READ, WAIT),
    # --- lives ------------------------------------------------------------------------------------
    "made stale": about(
        "free(g.p)\nfor page in g.s:\n    x = page.n", "g.n = len(g.s)", begin=THREE + "g.p = b"
    ),
    "embedded": about("free(g.p)\ng.m = 1\nx = g.part.n", begin=THREE + "g.p = c\ng.part = c.part"),
    # --- processes --------------------------------------------------------------------------------
    "two of a kind": about(
        "g.m = 1",
        more="@process\ndef release(page: Page) -> None:\n"
        "    g.n = page.n\n    assert page.n == 1\n",
        begin="start(release, Page(n=1))\nstart(release, Page(n=2))",
    ),
    "a branch on nothing": about(
        "page: Page\nif g.flag:\n    page = g.p\nif page is None:\n    g.n = 1"
    ),
    "a loop on nothing": about("x: bool\nif g.flag:\n    x = True\nwhile not x:\n    x = g.flag"),
    "never assigned": about("x: int\nwhile False:\n    x = g.m\ng.n = x"),
    "assigned in one arm": about(
        "x: int\nif g.flag:\n    x = 1\nif g.m == 1 and x == 1:\n    g.n = 1",
        "g.m = 1",
        "g.flag = True",
    ),
    "a check": about('g.m = 1\ncheck(g.flag, "no flag")', "g.flag = True"),
    # --- sizes ------------------------------------------------------------------------------------
    "each its own": sized(
        "g.n = 1",
        more="@process\ndef release(page: Page) -> None:\n    with atomic():\n"
        '        check(g.used <= page.size or g.used >= g.q.size, "less")\n',
        begin=SIZED + "\nstart(release, b)\nstart(release, c)",
    ),
    "read by a question": sized("g.n = 1")
    + law("g.used >= g.q.size or (g.used <= g.q.size and g.n == 0)"),
    "part by part": sized("g.n = 1")
    + law("all(g.used >= page.size for page in alive(Page))")
    + law("any(g.used >= page.size for page in alive(Page))", name="one"),
}
"""The specs, by what each is about."""
