"""Stubborn sets: what they leave out changes nothing, and who breaks a rule of theirs is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from kmcheck.driver import reduce
from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native import meetings
from kmcheck.engines.native.emit import I1, i64
from kmcheck.engines.reference import ENGINE
from kmcheck.expected import Expectation
from kmcheck.frontend import compile_spec, read
from kmcheck.ir.layout import Layout
from kmcheck.ir.stubborn import Footprint
from kmcheck.protocols import Question
from kmcheck.reduce import stubborn as reduce_stubborn
from kmcheck.reduce.stubborn import REDUCTION, footprints, points, seeing, stubborn_of
from kmcheck.replay import replay
from kmcheck.semantics import State, Undecided
from kmcheck.semantics import stubborn as choosing
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem, build
from kmcheck.verdict import Budget, Finding, Multiplied
from tests.language import program, source
from tests.persistent import Watch, wander
from tests.random_programs import built, generate
from tests.random_symmetric import generate as symmetric
from tests.tables import ends

ROOT = Path(__file__).resolve().parent.parent
LARGE = frozenset(
    {
        "dangling_caches",
        "kmem_cache_refcnt",
        "list_lru_memcg_locks",
        "lru_folios",
        "move_slabs",
        "obj_cgroup_stock",
        "objcg_no_pins",
        "objcg_task_cache",
        "page_owner_drain",
        "reparent_hierarchy",
    }
)
"""Specs with more states than are compared here."""
CHECKS = ends(LARGE)
SMALL = [c for c in CHECKS if c.numbers.get("states", 0) <= 1700]
EVERY = Question(every=True)
MOST = 1700
BATCHES = 4
EXAMPLES = 12


def random(number: int) -> Random:
    return Random(number)  # noqa: S311 - the same each time


def search(system: TransitionSystem, most: int | None = None) -> Finding:
    return ENGINE.search(system, EVERY, Solver(), Budget(states=most), lambda _: None)


def said(finding: Finding) -> tuple[object, ...]:
    """Return what a finding says, runs and counts left out."""
    found = frozenset(claim.violation for claim in finding.claims)
    statistics = finding.statistics
    also = (statistics.terminal_states, statistics.unexercised, statistics.bound_reached)
    return found, dict(finding.undefined), finding.stopped, finding.complete, also


def system_of(text: str) -> TransitionSystem:
    return build(compile_spec(source(text)), Solver().holds)


def alike(system: TransitionSystem) -> TransitionSystem:
    """Return the system with a choice that does not depend on who is who."""
    if system.stubborn is None:
        return system
    return replace(system, stubborn=replace(system.stubborn, alike=True))


def assert_nothing_is_missed(system: TransitionSystem) -> int:
    """Return how many states are saved; none if there is nothing to compare."""
    plain = search(system, MOST)
    reduced = REDUCTION.reduce(system, EVERY)
    if plain.cut or reduced.note is None:
        return 0
    explored = [plain.statistics.states]
    for one in (alike(reduced.system), reduced.system):
        found = search(one)
        assert said(found) == said(plain)
        assert found.statistics.states <= plain.statistics.states
        assert found.statistics.transitions <= plain.statistics.transitions
        for claim in found.claims:
            replay(system, claim, (), Solver())
        explored.append(found.statistics.states)
    return explored[0] - explored[-1]


def test_who_has_nothing_in_common_goes_one_after_the_other() -> None:
    system = system_of(APART)
    assert search(system).statistics.states == 16
    assert search(reduced(system)).statistics.states == 7
    assert 7 < search(alike(reduced(system))).statistics.states < 16


# --- searches ----------------------------------------------------------------------------------


@pytest.mark.parametrize("check", SMALL, ids=lambda c: f"{Path(c.spec).stem}-{c.settings}")
def test_every_small_spec_violates_the_same(check: Expectation) -> None:
    assert_nothing_is_missed(build(compile_spec(read(check.spec), check.settings), Solver().holds))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_programs_violate_the_same(batch: int) -> None:
    saved = 0
    for number in range(EXAMPLES):
        found = built(generate(random(1000 * batch + number)))
        if found is not None:
            saved += assert_nothing_is_missed(found[0]) > 0
    assert saved >= 2


# --- the definition ----------------------------------------------------------------------------


def look(system: TransitionSystem, steps: int, most: int = 30) -> int:
    """Check what is chosen along a random walk; return in how many states somebody is left out."""
    watch = Watch(system, most)
    _, initial = system.initial[0]
    try:
        for state in wander(watch.machine, initial, random(1), steps):
            watch.look(state)
    except Undecided:
        pass  # a search ends there
    return watch.reduced


def by_step(system: TransitionSystem) -> bool:
    return any(prop.when == "step" for prop in system.program.properties)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_what_is_left_out_of_random_programs_disturbs_nobody(batch: int) -> None:
    looked = 0
    for number in range(EXAMPLES):
        found = built(generate(random(500 + 1000 * batch + number)))
        if found is not None and not by_step(found[0]):
            looked += look(found[0], steps=20)
    assert looked > 10


@pytest.mark.parametrize("spec", sorted({c.spec for c in CHECKS}), ids=lambda s: Path(s).stem)
def test_what_is_left_out_of_specs_disturbs_nobody(spec: str) -> None:
    system = build(compile_spec(read(spec)), Solver().holds)
    if not by_step(system):
        look(system, steps=12, most=10)


# --- the rules ---------------------------------------------------------------------------------

LATE = program("x: bool", "assert not g.x", "g.x = True")
"""The violation needs the second process to come first."""

WAITING = program(
    "x: bool\ngo: bool", "assert not g.x", "wait_until(g.go)\ng.x = True", "g.go = True"
)

ROUND = program("x: bool\ny: bool", "while True:\n    g.x = True", "g.y = True\nassert not g.y")

AGAIN = program(
    "y: bool",
    "g.y = True\nassert not g.y",
    more="""
        @process(limit=2)
        def again() -> None:
            start(again)
    """,
    begin="start(again)",
)

BOTH = (
    program("x: bool\ny: bool", "g.x = True\ng.x = False", "g.y = True\ng.y = False")
    + "@always\ndef law() -> bool:\n    return not (g.x and g.y)\n"
)

RESTING = (
    program("x: bool\ny: bool", "g.x = True", "g.y = True")
    + "@conserved\ndef law() -> bool:\n    return g.x or not g.y\n"
)

DAEMON = """
    class G(Object):
        x: bool
        y: bool
    g = G()
    @process(daemon=True)
    def background() -> None:
        g.x = True
        wait_until(False)
    @process
    def ends() -> None:
        g.y = True
    @setup
    def begin() -> None:
        start(background)
        start(ends)
    @finally_
    def law() -> bool:
        return g.x
"""

WRONG = program("y: bool\np: Ref[G]", "g.p.y = True", "g.y = True\nassert not g.y")

FREED = program(
    "x: bool",
    more="""
        class Node(Object):
            n: bool
        @process
        def reads(node: Node) -> None:
            found = node.n
        @process
        def frees(node: Node) -> None:
            free(node)
    """,
    begin="node = Node()\nstart(reads, node)\nstart(frees, node)",
)

STARTED = program(
    "x: bool",
    "assert not g.x",
    "start(later)",
    more="""
        @process(limit=1)
        def later() -> None:
            g.x = True
    """,
)

COPIED = """
    class Node(Object):
        n: bool
    class G(Object):
        link: Ref[Node]
    g = G()
    @process
    def reads(node: Node) -> None:
        assert not node.n
    @process
    def writes(node: Node) -> None:
        node = g.link
        node.n = True
    @setup
    def begin() -> None:
        one = Node()
        two = Node()
        g.link = one
        start(reads, one)
        start(writes, two)
"""


APART = """
    class Node(Object):
        n: bool
        m: bool
    @process
    def writes(node: Node) -> None:
        node.n = True
        node.m = node.n
    @setup
    def begin() -> None:
        start(writes, Node())
        start(writes, Node())
"""
"""Each works on a node of its own: one order is enough."""


def nothing(*_: object) -> tuple[()]:
    return ()


def no(*_: object) -> bool:
    return False


def nobody(*_: object) -> frozenset[int]:
    return frozenset()


class Forgetful(choosing.Chooser):
    """Forgets the last actor where it looks who is disturbed."""

    def _disturbing(self, state: State, actor: int, how: choosing.How) -> list[int]:
        found = super()._disturbing(state, actor, how)
        return [other for other in found if other < len(self.actors) - 1]


class Careless(choosing.Chooser):
    """Does not notice that a step goes wrong."""

    def _survey(self, state: State) -> tuple[int, int]:
        return super()._survey(state)[0], 0


def unmoved(layout: Layout, template: str, _: object) -> points.Pointing:
    return points.Pointing(layout, template, ())


Patch = Callable[[pytest.MonkeyPatch], None]


def instead(where: object, name: str, what: object) -> Patch:
    return lambda patch: patch.setattr(where, name, what)


MUTANTS: dict[str, tuple[str, Patch]] = {
    "a process is dropped": (LATE, instead(choosing, "Chooser", Forgetful)),
    "reads are ignored": (LATE, instead(footprints.Touched, "reads", nothing)),
    "nobody is woken": (WAITING, instead(choosing, "wake", no)),
    "no step is sticky": (ROUND, instead(seeing, "sticky", nobody)),
    "starts are not sticky": (
        AGAIN,
        instead(seeing, "starting_each_other", lambda p: dict.fromkeys(p.templates, frozenset())),
    ),
    "no step is seen": (BOTH, instead(seeing.Seeing, "_read", lambda *_: Footprint({}))),
    "nobody sees the first step": (RESTING, instead(seeing, "first_cuts", nobody)),
    "nobody sees a daemon": (DAEMON, instead(seeing.Seeing, "_is_seen_at_end", no)),
    "faults are followed": (WRONG, instead(choosing, "Chooser", Careless)),
    "frees are not noticed": (FREED, instead(footprints.Footprints, "address", nothing)),
    "who is started is forgotten": (STARTED, instead(footprints.Footprints, "_starts", nobody)),
    "variables never change": (COPIED, instead(footprints, "Pointing", unmoved)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_who_breaks_a_rule_misses_a_violation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, patch = MUTANTS[name]
    system = system_of(text)
    plain = said(search(system))
    assert plain[0]
    assert said(search(reduced(system))) == plain
    patch(monkeypatch)
    monkeypatch.setattr("kmcheck.engines.reference.Chooser", choosing.Chooser)
    missing = said(search(reduced(system)))
    assert missing[0] != plain[0]


def reduced(system: TransitionSystem) -> TransitionSystem:
    return replace(system, stubborn=stubborn_of(system, EVERY))


def test_what_has_stubborn_sets_keeps_them() -> None:
    once = REDUCTION.reduce(system_of(LATE), EVERY)
    again = REDUCTION.reduce(once.system, EVERY)
    assert once.note is not None
    assert again.system is once.system
    assert again.note is None


def test_among_too_many_nobody_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduce_stubborn, "MOST", 2)
    assert REDUCTION.reduce(system_of(LATE), EVERY).note is not None
    assert REDUCTION.reduce(system_of(WAITING), EVERY).note is None


def test_a_property_of_steps_rules_stubborn_sets_out() -> None:
    law = "@step\ndef law() -> bool:\n    return not (g.x and before(g.y) != g.y)\n"
    text = program("x: bool\ny: bool", "g.y = True", "g.x = True") + law
    system = system_of(text)
    assert REDUCTION.reduce(system, EVERY).note is None
    assert {c.violation for c in search(system).claims} == {"law"}
    assert not search(reduced(system)).claims


# --- machine code ------------------------------------------------------------------------------


def both(system: TransitionSystem) -> list[Finding]:
    """Return what both engines find, how often properties were asked for left out."""
    found = []
    for engine in (ENGINE, NATIVE):
        finding = engine.search(system, EVERY, Solver(), Budget(states=MOST), lambda _: None)
        statistics = replace(finding.statistics, judged={}, multiplied=Multiplied())
        found.append(replace(finding, statistics=statistics))
    return found


def assert_engines_agree(system: TransitionSystem) -> None:
    stubborn = REDUCTION.reduce(system, EVERY).system
    for one in (stubborn, alike(stubborn)):
        reference, native = both(one)
        if not reference.cut:
            assert native == reference


@pytest.mark.parametrize("spec", sorted({c.spec for c in CHECKS}), ids=lambda s: Path(s).stem)
def test_machine_code_chooses_the_same_in_specs(spec: str) -> None:
    assert_engines_agree(build(compile_spec(read(spec)), Solver().holds))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_machine_code_chooses_the_same_in_random_programs(batch: int) -> None:
    for number in range(EXAMPLES // 2):
        found = built(generate(random(700 + 1000 * batch + number)))
        if found is not None:
            assert_engines_agree(found[0])


@pytest.mark.parametrize("name", ["LATE", "WAITING", "FREED", "COPIED"])
def test_machine_code_chooses_the_same_by_each_rule(name: str) -> None:
    assert_engines_agree(system_of(globals()[name]))


def test_machine_code_that_never_meets_anybody_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meetings, "WAYS", (no, no))
    reference, native = both(reduced(system_of(LATE)))
    assert reference.claims != native.claims


def test_machine_code_that_looks_nothing_up_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    same = meetings.Index(i64(0), I1(1))
    monkeypatch.setattr(meetings.Meetings, "_index", lambda *_: same)
    reference, native = both(reduced(system_of(APART)))
    assert reference.statistics.states < native.statistics.states


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_finds_the_same(threads: int) -> None:
    spec = str(ROOT / "specs" / "kmemcg" / "reparent_caches.py")
    system = build(compile_spec(read(spec)), Solver().holds)
    stubborn = REDUCTION.reduce(system, EVERY).system
    found = NATIVE.search(stubborn, EVERY, Solver(), Budget(threads=threads), lambda _: None)
    plain = search(stubborn)
    assert found.claims == plain.claims
    assert found.statistics.states == plain.statistics.states
    assert found.statistics.transitions == plain.statistics.transitions
    assert found.statistics.depth == plain.statistics.depth


# --- up to symmetry ----------------------------------------------------------------------------


def counts(number: int, *, who_is_who: bool) -> list[tuple[int, int]]:
    """Return how many states and transitions each engine explores up to symmetry."""
    found = built(symmetric(random(number)))
    assert found is not None
    system, _ = reduce(found[0], EVERY, {"slice"})
    assert system.symmetry is not None
    assert system.stubborn is not None
    if who_is_who:
        system = replace(system, stubborn=replace(system.stubborn, alike=False))
    return [(f.statistics.states, f.statistics.transitions) for f in both(system)]


@pytest.mark.parametrize("number", [45, 48, 63, 169])
def test_up_to_symmetry_nobody_is_preferred(number: int) -> None:
    one, other = counts(number, who_is_who=False)
    assert one == other


def test_who_prefers_one_of_those_alike_is_caught() -> None:
    one, other = counts(45, who_is_who=True)
    assert one != other
