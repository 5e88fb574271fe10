"""What is wrong with a spec, and the exact words in which that is said.

Each `rejected/NAME.py` is a wrong spec, and `NAME.err` beside it is all that kmcheck says about
it. `python tests/test_rejected.py` writes these again: read the difference before committing it.
A file whose name begins with `_` is only imported by others.
"""

import re
import sys
from pathlib import Path

import pytest

from kmcheck.diagnostics import Diagnostic, SpecError, UsageError, show
from kmcheck.frontend import compile_spec, read
from kmcheck.frontend.by_code import INSTEAD
from kmcheck.solver import Solver
from kmcheck.system import build

ROOT = Path(__file__).resolve().parent.parent
REJECTED = ROOT / "tests" / "rejected"
CODE = re.compile(r": error\[(K\d{3})\]: ")
CASES = sorted(p.stem for p in REJECTED.glob("[!_]*.py"))

SETTINGS = """
from kmcheck.kernel.list import ListLink
from kmcheck.kernel.obj_cgroup import ObjStock
from kmcheck.lang import Annotated, Enum, auto, bound, choice, pause, process, setup, start


class Locks(Enum):
    NODE = auto()
    MEMCG = auto()


FREERS = bound(2, "frees that race with the teardown")
READ_LOCK = choice(True, "the free path is a read section")
CACHES: Annotated[int, range(1, 9)] = bound(2, "caches")
LOCKS = choice(Locks.NODE, "what has a lock of its own")


@process
def kworker() -> None:
    pause()


@setup
def workers() -> None:
    for _ in range(FREERS):
        start(kworker)
"""

TO_64 = "it is a number from 0 to 64"
YES_OR_NO = "it is yes or no"


def rejection(name: str) -> SpecError:
    """Compile a wrong spec, and build its system; return the error. Paths are relative."""
    with pytest.raises(SpecError) as caught:
        build(compile_spec(read(f"{name}.py")), Solver().holds)
    return caught.value


def in_words(diagnostics: tuple[Diagnostic, ...]) -> str:
    """Return all that is said about a wrong spec."""
    return "\n\n".join(map(show, diagnostics)) + "\n"


@pytest.fixture(autouse=True)
def beside_the_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REJECTED)


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_spec_is_refused_in_these_words(name: str) -> None:
    diagnostics = rejection(name).diagnostics
    assert in_words(diagnostics) == Path(f"{name}.err").read_text("utf-8")
    places = [(d.span.source.path, d.span.line, d.span.column) for d in diagnostics]
    assert places == sorted(places), "errors come in the order of the source"
    told = [(d.span.where, d.title) for d in diagnostics]
    assert len(told) == len(set(told)), "each is told once"
    for span in (d.span for d in diagnostics):
        assert not span.source.module, "the culprit is in the user's file"
        assert 1 <= span.column <= len(span.source.line(span.line)) + 1


def test_every_code_has_a_twin_and_every_twin_a_code() -> None:
    sources = [*(ROOT / "kmcheck" / "frontend").glob("*.py"), ROOT / "kmcheck" / "system.py"]
    known = {
        code for path in sources for code in re.findall(r'"(K\d{3})"', path.read_text("utf-8"))
    }
    told = {
        code
        for path in REJECTED.glob("*.err")
        for code in re.findall(r": error\[(K\d{3})\]: ", path.read_text("utf-8"))
    }
    assert known == told


def without_a_hint() -> set[str]:
    """Return the codes of messages that only say what is wrong."""
    found = set()
    for path in REJECTED.glob("*.err"):
        told = path.read_text("utf-8").split("\n\n")
        found |= {m[1] for m in map(CODE.search, told) if m and "= hint: " not in m.string}
    return found


def test_nearly_every_message_says_what_to_write() -> None:
    said_by_the_label = {"K040", "K042"}
    by_python_or_the_semantics = {"K002", "K091", "K092", "K094"}
    assert without_a_hint() <= said_by_the_label | by_python_or_the_semantics


def test_every_hint_by_code_is_met() -> None:
    told = "\n\n".join(path.read_text("utf-8") for path in REJECTED.glob("*.err"))
    for code, hint in INSTEAD.items():
        assert any(
            f"error[{code}]" in part and f"= hint: {hint}\n" in part + "\n"
            for part in told.split("\n\n")
        ), f"no spec is told the hint of {code}"


def test_every_error_has_its_spec() -> None:
    assert sorted(p.stem for p in REJECTED.glob("*.err")) == CASES


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("FREER", "3", "the spec has no bound or choice `FREER`", "did you mean `FREERS`?"),
        ("freers", "3", "the spec has no bound or choice `freers`", "did you mean `FREERS`?"),
        ("FREERS", "many", "FREERS is a bound: `many` is no whole number", TO_64),
        ("FREERS", "65", "FREERS cannot be 65", TO_64),
        ("FREERS", "-1", "FREERS cannot be -1", TO_64),
        ("FREERS", "9" * 5000, f"FREERS is a bound: `{'9' * 5000}` is no whole number", TO_64),
        ("CACHES", "0", "CACHES cannot be 0", "it is a number from 1 to 8"),
        ("READ_LOCK", "maybe", "READ_LOCK is a choice: `maybe` is neither yes nor no", YES_OR_NO),
        ("LOCKS", "cpu", "LOCKS cannot be `cpu`", "it is one of: node, memcg"),
        ("LIST_STEPS", "foo", "LIST_STEPS cannot be `foo`", "it is one of: one, fine"),
        ("NR_CPUS", "0", "NR_CPUS cannot be 0", "it is a number from 1 to 64"),
        (
            "PAGE_SIZE",
            "x",
            "PAGE_SIZE is a bound: `x` is no whole number",
            "it is a number from 1 to 64",
        ),
    ],
)
def test_a_wrong_setting_is_a_wrong_command(
    name: str, value: str, message: str, hint: str, tmp_path: Path
) -> None:
    spec = tmp_path / "settings.py"
    spec.write_text(SETTINGS)
    with pytest.raises(UsageError) as caught:
        compile_spec(read(str(spec)), {name: value})
    assert (caught.value.message, caught.value.hint) == (message, hint)


if __name__ == "__main__":
    import os

    os.chdir(REJECTED)
    for case in CASES if len(sys.argv) == 1 else sys.argv[1:]:
        Path(f"{case}.err").write_text(in_words(rejection(case).diagnostics), "utf-8")
