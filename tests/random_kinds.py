"""What random programs are about: their classes, globals and first functions, as text."""

KINDS = """
class Colour(Enum):
    RED = auto()
    BLUE = auto()
    GREY = auto()


class Part(Object):
    n: Annotated[int, range(3)]
    link: Ref["Node"]


class Node(Object{limit}):
    n: Annotated[int, range(3)]
    flag: bool
    colour: Colour
    link: Ref["Node"]
    group: SetOf["Node"]
    items: ListOf["Node"]
    part: Part
    parts: SetOf[Part]

    def touch(self) -> None:
        self.n = (self.n + 1) % 3
{hook}

class Task(Object):
    n: Annotated[int, range(3)]
    flag: bool
    link: Ref[Node]
{exit}

class World(Object):
    n: Annotated[int, range(3)]
    flag: bool
    colour: Colour
    link: Ref[Node]
    group: SetOf[Node]
    items: ListOf[Node]
    links: Annotated[ArrayOf[Ref[Node]], 2]
    numbers: Annotated[ArrayOf[Annotated[int, range(2)]], 2]
    marks: SetOf[Annotated[int, range(3)]]
    who: Process
    waiters: SetOf[Process]
    part: Part
    parts: SetOf[Part]
    handler: Callable[[Node], None]
    ghost: Ghost[Annotated[int, range(3)]]


world = World()
tasks = PerProcess(Task)
stock = PerCpu(Task)


@macro
def bump(place: int) -> None:
    WRITE_ONCE(place, (READ_ONCE(place) + 1) % 3)


def mark(node: Node) -> None:
    node.flag = True


def unmark(node: Node) -> None:
    if node.flag:
        node.flag = False
"""

HOOK = """
    def on_free(self) -> None:
        check(not self.flag, "flagged", "freed with its flag set")

"""
EXIT = """
    def on_exit(self) -> None:
        check(not self.flag, "left", "ended with its flag set")

"""
