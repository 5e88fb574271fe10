"""Words of the language whose meaning is easiest said by counting states."""

from textwrap import dedent

from kmcheck.diagnostics import Source
from kmcheck.engines.reference import ENGINE
from kmcheck.frontend import compile_spec
from kmcheck.protocols import Question
from kmcheck.solver import Solver
from kmcheck.system import build
from kmcheck.verdict import Budget, Finding

LOCK = """
from kmcheck.lang import Object, always, atomic, count, inside, pause, process, processes, setup
from kmcheck.lang import start, wait_until, within


class Lock(Object):
    taken: bool


lock = Lock()


def critical_section() -> None:
    {section}


@process
def cpu() -> None:
    with atomic("lock"):
        {wait}
        lock.taken = True
    critical_section()
    lock.taken = False


@setup
def two() -> None:
    start(cpu)
    start(cpu)


@always
def mutual_exclusion() -> bool:
    return {law}
"""

TAKEN = "wait_until(not lock.taken)"
PAUSE = 'pause("critical section")'
NOBODY = 'with atomic("critical section"):\n        pass'
COUNTED = "count(p for p in processes() if inside(p, critical_section)) <= 1"
AS_A_SET = "len(within(critical_section)) <= 1"


def explore(text: str) -> Finding:
    solver = Solver()
    system = build(compile_spec(Source("spec.py", dedent(text))), solver.holds)
    return ENGINE.search(system, Question(), solver, Budget(), lambda _: None)


def lock(section: str = PAUSE, wait: str = TAKEN, law: str = AS_A_SET) -> tuple[int, list[str]]:
    finding = explore(LOCK.format(section=section, wait=wait, law=law))
    return finding.statistics.states, [claim.violation for claim in finding.claims]


def test_a_pause_is_one_step_that_touches_nothing() -> None:
    assert lock(PAUSE) == lock(NOBODY)


def test_who_is_within_a_function_is_who_is_inside_of_it() -> None:
    assert lock(law=COUNTED) == lock(law=AS_A_SET)
    assert lock(law=COUNTED, wait="pass") == lock(law=AS_A_SET, wait="pass")
    assert lock(law=AS_A_SET, wait="pass")[1] == ["mutual_exclusion"]


BEGUN = """
from kmcheck.lang import Annotated, Callable, Counter, Enum, Object, auto, bound, process, setup
from kmcheck.lang import start

FULL = bound(2, "what the count begins with")


class Colour(Enum):
    RED = auto()
    BLUE = auto()


class Device(Object):
    count: Annotated[int, range(4)]
    on: bool
    colour: Colour
    charge: Counter
    release: Callable[["Device"], None]


def forget(device: Device) -> None:
    device.count = 0


device = Device(count=FULL, on=True, colour=Colour.BLUE, charge=3, release=forget)


@process
def reader() -> None:
    assert device.count == 2 and device.on and device.colour == Colour.BLUE
    assert device.charge == 3
    device.release(device)
    assert device.count == {after}


@setup
def one() -> None:
    start(reader)
"""


def test_a_global_begins_with_the_constants_that_it_is_given() -> None:
    assert not explore(BEGUN.format(after=0)).claims
    assert explore(BEGUN.format(after=1)).claims


SWAP = """
from kmcheck.kernel.rcu import rcu_assign_pointer, rcu_dereference
from kmcheck.lang import Object, Ref, process, setup, start


class Memcg(Object):
    pages: int


class Task(Object):
    memcg: Ref[Memcg]


root = Memcg()
task = Task()


@process
def move() -> None:
    rcu_assign_pointer(task.memcg, root)
    assert rcu_dereference(task.memcg) == root


@setup
def one() -> None:
    start(move)
"""


def test_a_macro_stores_to_a_field_of_a_global() -> None:
    found = explore(SWAP)
    assert (found.claims, found.statistics.states) == ((), 3)
