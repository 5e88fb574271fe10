"""Small specs made for reductions: each has something that must not be reduced away."""

from tests.language import program

NODE = """
class Node(Object, limit=3):
    flag: bool
    mark: bool
"""
LINKED = 'link: Ref["Node"]\na: bool\nb: bool'

# --- for merging ---------------------------------------------------------------------------------

HALF_DONE = program(
    "a: bool\nb: bool",
    "g.a = True\ng.b = True",
    "with atomic():\n    assert not g.a or g.b",
)
"""Between the stores another process reads both."""

MIXED = program(
    "a: bool\nb: bool\nc: bool",
    "x = g.a\ny = g.b\nz = g.c\nassert x == y or z",
    "with atomic():\n    g.a = True\n    g.b = True",
)
"""Between the loads another process stores to both."""

TWINS = program(
    "a: bool\nb: bool\nc: bool",
    "x = g.a\ny = g.b\nz = g.c\nassert x == y or z\nwith atomic():\n    g.a = True\n    g.b = True",
    begin="start(p0)",
)
"""Between the loads another process of the same kind stores to both."""

BOTH_STORE = program(
    "a: bool\nb: bool",
    "g.a = True\ng.b = True\nwith atomic():\n    assert g.a == g.b",
    "with atomic():\n    g.a = False\n    g.b = False",
)
"""Between the stores another process stores to both, and reads neither."""

SEEN = program(
    "a: bool\nb: bool",
    "g.a = True\ng.b = True",
    more="@always\ndef both() -> bool:\n    return not g.a or g.b",
)
"""A property sees what lies between the stores; nobody else reads them."""

STUCK = program(
    "a: bool\nb: bool",
    "g.a = True\nwait_until(g.b)",
    more="@always\ndef not_yet() -> bool:\n    return not g.a",
)
"""The step behind the store is never enabled."""

FAILS = program(
    "a: bool\nb: bool",
    "g.a = True\nassert g.b",
    more="@always\ndef not_yet() -> bool:\n    return not g.a",
)
"""The step behind the store goes wrong."""

OVERFLOWS = program(
    "a: bool\nm: Annotated[int, range(2)]\nn: Annotated[int, range(2)]",
    "x = g.n\ng.a = True\ng.m = x + 2",
    more="@always\ndef not_yet() -> bool:\n    return not g.a",
)
"""The step behind the store leaves a range, of a field that nobody reads."""

ROUND = program("a: bool\nb: bool", "g.b = True\nwhile True:\n    g.a = not g.a")
"""A loop of which every step is local."""

STUTTER = program(
    "a: bool\nb: bool",
    "g.a = True\nx = g.b",
    more="@step\ndef moves() -> bool:\n    return not (before(g.a) and g.a)",
)
"""A step that changes nothing is one that a property of steps forbids."""

INSIDE = program(
    "a: bool\nb: bool",
    "g.a = True\nhold()\ng.a = False",
    more="""
    def hold() -> None:
        x = g.b

    @always
    def never_inside(who: Process) -> bool:
        return not inside(who, hold)
    """,
)
"""A step that touches nothing stands at a place that a property names."""

ROOM = """
class G(Object):
    done: bool
    b: bool

g = G()

@process(limit=1)
def worker() -> None:
    g.done = True
    x = g.b

@process
def boss() -> None:
    start(worker)
    wait_until(g.done)
    start(worker)

@setup
def begin() -> None:
    start(boss)
"""
"""There is room for one process only, until its last step, which nobody notices."""

TOO_LATE = program(
    LINKED,
    "n = g.link\nn.flag = True\ng.a = True\nn.mark = True",
    "wait_until(g.a)\nn = g.link\nfree(n)",
    more=NODE,
    begin="g.link = Node()",
)
"""What was followed once is freed before it is followed again."""

# --- for resetting -------------------------------------------------------------------------------

LIVE = program("a: bool\nb: bool", "x = True\ng.a = True\nassert x")
"""A variable is read two steps behind the one that sets it."""

BRANCHES = program("a: bool\nb: bool", "x = True\ng.a = True\nif x:\n    assert g.b")
"""A variable is read by a branch only."""

TURNS = program(
    "a: bool\nb: bool",
    "x = False\nfor _ in range(2):\n    g.a = x\n    x = True\n    g.b = True",
    more="@finally_\ndef last() -> bool:\n    return not g.a",
)
"""A variable that one turn of a loop sets is read in the next one."""

ARMS = program(
    "a: bool\nb: bool",
    "x = True\nif g.b:\n    g.a = True\nelse:\n    g.a = False\n    assert x",
    "g.b = True",
)
"""A variable is dead in one arm of a branch and read in the other."""

GIVEN = """
class G(Object):
    a: bool

g = G()

@process(limit=2)
def checks(x: bool) -> None:
    g.a = True
    assert not x

@process
def sends() -> None:
    y = g.a
    start(checks, y)

@setup
def begin() -> None:
    start(checks, False)
    start(sends)
"""
"""What one process reads is an argument of another one."""

HELD = """
class Node(Object, limit=2):
    flag: bool

class G(Object):
    go: bool

g = G()

@process(daemon=True)
def keeps() -> None:
    n = Node()
    g.go = True
    wait_until(not g.go)
    n.flag = True

@process
def waits() -> None:
    wait_until(g.go)

@setup
def begin() -> None:
    start(keeps)
    start(waits)
"""
"""An object is held by the variable of a process that need not end."""

ORDER = """
class Node(Object, limit=2):
    flag: bool

class G(Object):
    link: Ref[Node]
    group: SetOf[Node]
    go: bool

g = G()

@process
def looks() -> None:
    x = g.link
    wait_until(g.go)

@process
def frees() -> None:
    with atomic():
        n = g.link
        g.link = None
        free(n)

@process
def changes() -> None:
    wait_until(g.link is None)
    with atomic():
        first = Node(flag=True)
        second = Node()
        g.group.add(first)
        g.group.add(second)
        for m in each(g.group):
            assert m.flag
            break
        g.go = True

@setup
def begin() -> None:
    g.link = Node()
    start(looks)
    start(frees)
    start(changes)
"""
"""Which of two new objects comes first depends on a dangling address that nobody will read."""

UNREAD_ADDRESS = ORDER.replace("go: bool", "go: bool\n    spare: Ref[Node]").replace(
    "x = g.link\n", "x = g.link\n    x = g.spare\n"
)
"""The dangling address is overwritten by a step that nobody notices."""

# --- for slicing ---------------------------------------------------------------------------------

FLOWS = program(
    "a: bool\nb: bool",
    "g.a = True",
    "x = g.a\ng.b = x",
    "y = g.b\nassert not y",
)
"""What is checked comes by way of two variables and two fields."""

DECIDES = program(
    "a: bool\nb: bool",
    "g.a = True",
    "if g.a:\n    g.b = True",
    more="@always\ndef never() -> bool:\n    return not g.b",
)
"""A field is read by a branch only."""

WAITS = program("a: bool\nb: bool", "g.a = True", "wait_until(g.a)")
"""A field is read by a guard only."""

RANGE = program("n: Annotated[int, range(3)]", "g.n = g.n + 1\ng.n = g.n + 1\ng.n = g.n + 1")
"""Nobody reads a counter, but it leaves its range."""

FOLLOWED = program(LINKED, "n = g.link\nn.flag = True", more=NODE, begin="g.link = Node()")
"""A field is read for the address in it only."""

NULL = program(LINKED, "x = g.link.flag", more=NODE)
"""What is loaded is never read, but an address is followed to get it."""

KEPT = program(LINKED, "n = Node()\ng.link = n", more=NODE)
"""A field that nobody reads keeps an object from leaking."""

FREED = program(LINKED, "n = Node()\nfree(n)\nn.flag = True", more=NODE)
"""A freed object is stored to, and nobody reads that."""

UNSURE = program(
    LINKED,
    "g.a = True\ng.link = None",
    more=f"{NODE}\n@always\ndef marked() -> bool:\n    return g.link.flag or True\n",
    begin="g.link = Node()",
)
"""A property cannot be evaluated everywhere, which is a violation whoever wants the property."""

UNREAD = program("a: bool\nb: bool", "g.a = True\ng.b = True\ng.a = False", "x = g.b\ny = g.b")
"""A field that nobody reads."""

SUITE = {name: text for name, text in globals().items() if name.isupper() and "\n@" in str(text)}
