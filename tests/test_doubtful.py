"""What is doubtful in a spec that is well-formed, in the exact words in which that is said.

Each `doubtful/NAME.py` is such a spec, and `NAME.err` beside it is all that kmcheck says about it.
`python tests/test_doubtful.py` writes these again: read the difference before committing it.
"""

import re
import sys
from pathlib import Path

import pytest

from kmcheck.cli import run
from kmcheck.diagnostics import Source, SpecError, show
from kmcheck.frontend import compile_spec, read
from kmcheck.linting import lint

ROOT = Path(__file__).resolve().parent.parent
DOUBTFUL = ROOT / "tests" / "doubtful"
REJECTED = ROOT / "tests" / "rejected"
CASES = sorted(p.stem for p in DOUBTFUL.glob("*.py"))
CLEAN = [
    "specs/kmemcg/reparent_caches.py",
    "specs/kmemcg/obj_cgroup_stock.py",
    "specs/kmemcg/list_lru_memcg_locks.py",
    "specs/classic/two_phase_commit.py",
    "specs/bugs/fix_refcount_error_while_moving_and_swapping.py",
]

MADE = """
from kmcheck.lang import Object, PerCpu, alive, always, choice, process, setup, start

MAKE = choice(False, "one is made")


class Inner(Object):
    n: bool


class Outer(Object, limit=2):
    inner: Inner


class Stock(Object):
    n: bool


stock = PerCpu(Stock)


@process
def worker() -> None:
    if MAKE:
        outer = Outer()
        outer.inner.n = True


@setup
def world() -> None:
    start(worker)


@always
def inner_is_fine(inner: Inner) -> bool:
    return not inner.n


@always
def stocks_are_fine() -> bool:
    return all(not s.n for s in alive(Stock))
"""


def told(name: str) -> str:
    return "\n\n".join(map(show, lint(read(f"{name}.py")))) + "\n"


@pytest.fixture
def beside_the_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOUBTFUL)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("beside_the_specs")
def test_a_doubtful_spec_is_warned_of_in_these_words(name: str) -> None:
    assert told(name) == Path(f"{name}.err").read_text("utf-8")
    compile_spec(read(f"{name}.py"))


def test_every_code_has_a_spec() -> None:
    files = (ROOT / "kmcheck" / "frontend").glob("*.py")
    source = "".join(path.read_text("utf-8") for path in files)
    found = "".join(path.read_text("utf-8") for path in DOUBTFUL.glob("*.err"))
    assert set(re.findall(r'"(W\d{3})"', source)) == set(re.findall(r"warning\[(W\d{3})\]", found))
    assert sorted(p.stem for p in DOUBTFUL.glob("*.err")) == CASES


@pytest.mark.parametrize("spec", CLEAN)
def test_nothing_is_doubtful_in_a_spec_of_ours(spec: str) -> None:
    assert lint(read(str(ROOT / spec))) == ()


@pytest.mark.parametrize("made", ["yes", "no"])
def test_what_some_setting_makes_or_embeds_is_made(made: str) -> None:
    assert lint(Source("made.py", MADE), {"MAKE": made}) == ()


def test_a_list_is_fine_where_its_lock_is_named_or_each_pointer_is_a_step() -> None:
    text = (DOUBTFUL / "list_without_a_lock.py").read_text("utf-8")
    assert [d.code for d in lint(Source("list.py", text))] == ["W011"]
    assert lint(Source("list.py", text), {"LIST_STEPS": "fine"}) == ()
    named = text.replace("list_add, ", "list_add, list_guarded_by, ")
    named = named.replace("pages: ListLink", "pages: ListLink\n    lock: SpinLock")
    named = named.replace(
        "    zone.first = P", "    list_guarded_by(zone.pages, zone.lock)\n    zone.first = P"
    )
    named = "from kmcheck.kernel.spinlock import SpinLock\n" + named
    assert lint(Source("list.py", named)) == ()
    filled = text.replace("start(activate, zone.first)", "list_add(zone.first.lru, zone.pages)")
    filled = filled.replace("    list_add(page.lru, zone.pages)", "    page.lru.next = None")
    assert lint(Source("list.py", filled)) == ()


@pytest.mark.parametrize("name", ["bound_too_large", "atomic_forgotten_with", "arrow_of_c"])
def test_errors_are_those_that_verify_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REJECTED)
    with pytest.raises(SpecError) as caught:
        compile_spec(read(f"{name}.py"))
    assert lint(read(f"{name}.py")) == caught.value.diagnostics


def test_a_second_place_is_told_to_who_can_go_there() -> None:
    twice = "from kmcheck.lang import bound\n\nN = bound(1, 'n')\nN = bound(2, 'n')\n"
    first = next(d for d in lint(Source("twice.py", twice)) if d.code == "K013")
    assert [(n.span.where, n.text) for n in first.also] == [("twice.py:3:1", "the first one")]


@pytest.mark.usefixtures("beside_the_specs")
@pytest.mark.parametrize(("flags", "code"), [([], 0), (["--strict"], 1)])
def test_a_warning_fails_only_where_that_is_wanted(
    flags: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lint", *flags, "never_started.py"]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == Path("never_started.err").read_text("utf-8")


@pytest.mark.usefixtures("beside_the_specs")
def test_what_is_wrong_goes_before_what_is_doubtful(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = str(REJECTED / "arrow_of_c.py")
    assert run(["lint", "--strict", "never_started.py", wrong]) == 3
    assert "warning[W009]" in capsys.readouterr().err


if __name__ == "__main__":
    import os

    os.chdir(DOUBTFUL)
    for case in CASES if len(sys.argv) == 1 else sys.argv[1:]:
        Path(f"{case}.err").write_text(told(case), "utf-8")
