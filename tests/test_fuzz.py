"""Whatever the bytes are, the answer is a program or a diagnostic, and it comes soon.

`python tests/test_fuzz.py 5000` tries 5000 examples of each kind, other ones each time.
"""

import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings

from kmcheck.diagnostics import Source, SpecError, UsageError, show
from kmcheck.frontend import compile_spec, read
from kmcheck.ir.program import Program
from kmcheck.solver import Solver
from kmcheck.system import build
from tests.damaged import cut_short, gibberish, originals, with_other_expressions, with_other_tokens
from tests.excess import IN_A_STATE, IN_PYTHON, IN_SETUP, MUCH, WRITTEN_OUT, declaring, running

SECONDS = 30
"""However it is damaged, no spec takes longer."""


class HangError(BaseException):
    """It takes too long."""


@contextmanager
def soon() -> Iterator[None]:
    """Fail where the block takes more than `SECONDS`."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judged(source: Callable[[], Source]) -> Program | SpecError | UsageError:
    """Return what the front end makes of a source; anything else that it does is a failure."""
    with soon():
        try:
            program = compile_spec(source())
            build(program, Solver().holds)
        except (SpecError, UsageError) as error:
            return error
        return program


def code(text: str) -> str:
    """Return the code of the first thing that is wrong with a spec, or nothing."""
    found = judged(lambda: Source("spec.py", text))
    return found.diagnostics[0].code if isinstance(found, SpecError) else ""


def told(found: Program | SpecError | UsageError) -> None:
    """Expect what is wrong to be said."""
    if isinstance(found, UsageError):
        assert found.message
    if isinstance(found, SpecError):
        assert found.diagnostics
        assert all(d.title and d.code and show(d) for d in found.diagnostics)


# --- damage ---------------------------------------------------------------------------------------


def survives(damaged: tuple[str, str]) -> None:
    """A damaged text is compiled or refused."""
    path, text = damaged
    told(judged(lambda: Source(path, text)))


def survives_as_a_file(damaged: tuple[str, bytes]) -> None:
    """Damaged bytes are compiled or refused."""
    path, raw = damaged
    survives_from_stdin(raw, path)


def survives_from_stdin(raw: bytes, path: str = "-") -> None:
    """Bytes at standard input are compiled or refused."""
    before, sys.stdin = sys.stdin, TextIOWrapper(BytesIO(raw))
    try:
        told(judged(lambda: Source(path, read("-").text)))
    finally:
        sys.stdin = before


def tried(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


@tried(80)
@given(with_other_tokens())
def test_a_spec_with_other_tokens_is_no_trouble(damaged: tuple[str, str]) -> None:
    survives(damaged)


@tried(80)
@given(with_other_expressions())
def test_a_spec_with_other_expressions_is_no_trouble(damaged: tuple[str, str]) -> None:
    survives(damaged)


@tried(100)
@given(cut_short())
def test_a_part_of_a_spec_is_no_trouble(damaged: tuple[str, bytes]) -> None:
    survives_as_a_file(damaged)


@tried(200)
@given(gibberish())
def test_gibberish_is_no_trouble(raw: bytes) -> None:
    survives_from_stdin(raw)


# --- what doubles and doubles, what is deep, what is large ----------------------------------------

TOO_MUCH = IN_PYTHON | WRITTEN_OUT | IN_A_STATE | IN_SETUP


@pytest.mark.parametrize(("text", "codes"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_too_much_is_refused_soon(text: str, codes: str) -> None:
    assert code(text) in codes.split()


@pytest.mark.parametrize("text", MUCH.values(), ids=MUCH.keys())
def test_much_is_no_trouble(text: str) -> None:
    assert not code(text)


def test_a_spec_that_imports_itself_is_refused() -> None:
    assert code("from spec import Page\n") == "K014"


# --- bytes ----------------------------------------------------------------------------------------


def peterson() -> tuple[str, str]:
    path = next(p for p in originals() if p.endswith("peterson.py"))
    return path, originals()[path]


def compiled(raw: bytes, tmp_path: Path) -> Program:
    spec = tmp_path / "spec.py"
    spec.write_bytes(raw)
    found = judged(lambda: read(str(spec)))
    assert isinstance(found, Program)
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("\n\n\n", "\n\n\f\n"),
    ],
    ids=["bom", "crlf", "cr", "no_newline", "tabs", "form_feed"],
)
def test_a_spec_is_the_same_however_its_lines_are_written(
    change: Callable[[str], str], tmp_path: Path
) -> None:
    _, text = peterson()
    plain = compiled(text.encode(), tmp_path)
    assert compiled(change(text).encode(), tmp_path).templates == plain.templates


@pytest.mark.parametrize(
    ("line", "culprit"),
    [
        ('    check(page.users > 0, "gr\u00f6\u00dfer", page)', "page"),
        ('    pause("\u5de5\u4f5c"); pag\u00e9.users = 1', "pag\u00e9"),
        ('    pause("\U0001f40d"); page.\u00fcsers = 1', "\u00fcsers"),
        ("\tpage.user = 1", "user"),
    ],
)
def test_the_caret_counts_characters_not_bytes(line: str, culprit: str) -> None:
    found = judged(
        lambda: Source("spec.py", running(line + "\n").replace("pause,", "check, pause,"))
    )
    assert isinstance(found, SpecError)
    diagnostic = found.diagnostics[0]
    assert diagnostic.span.text == culprit
    _, _, shown, caret, *_ = show(diagnostic).split("\n")
    assert shown[caret.index("^") :].startswith(culprit)


def test_nothing_that_a_terminal_obeys_is_shown() -> None:
    text = running('    pause("\x1b[31m\x07\x9b"); pagee.users = 1  # \x1b[2J\n')
    found = judged(lambda: Source("sp\x1bec.py", text))
    assert isinstance(found, SpecError)
    assert all(c.isprintable() for line in show(found.diagnostics[0]).split("\n") for c in line)


def test_a_long_line_is_shown_in_part() -> None:
    found = judged(
        lambda: Source("spec.py", running("    " + "pause(); " * 5000 + "pagee.users = 1"))
    )
    assert isinstance(found, SpecError)
    assert max(map(len, show(found.diagnostics[0]).split("\n"))) < 120


# --- files ----------------------------------------------------------------------------------------


def refused(path: str) -> str:
    found = judged(lambda: read(path))
    assert isinstance(found, UsageError), found
    return found.message


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe, loop, large = tmp_path / "pipe.py", tmp_path / "loop.py", tmp_path / "large.py"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    large.write_bytes(b"#" * 10_000_000)
    assert "directory" in refused(str(tmp_path))
    assert "no file" in refused(str(pipe))
    assert "no file" in refused("/dev/zero")
    assert "symbolic links" in refused(str(loop))
    assert "larger than" in refused(str(large))
    assert "No such file" in refused(str(tmp_path / "missing.py"))
    assert "directory" in refused("")
    assert "Not a directory" in refused(str(large / "spec.py"))
    assert "too long" in refused("x" * 5000)
    assert refused("spec\0.py")
    assert refused("\udcff.py")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    spec = tmp_path / "spec.py"
    spec.write_text(declaring(""))
    spec.chmod(stat.S_IWUSR)
    assert "Permission denied" in refused(str(spec))


def test_standard_input_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/zero").open() as endless:
        monkeypatch.setattr("sys.stdin", endless)
        assert "larger than" in refused("-")


@pytest.mark.parametrize("sort", ["directory", "pipe", "latin", "zeros", "empty", "broken", "me"])
def test_a_neighbour_that_is_no_spec_is_no_trouble(sort: str, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    match sort:
        case "directory":
            other.mkdir()
        case "pipe":
            os.mkfifo(other)
        case "latin":
            other.write_bytes("# Gr\u00fc\u00dfe".encode("latin-1"))
        case "zeros":
            other.write_bytes(b"\0" * 100)
        case "empty":
            other.touch()
        case "broken":
            other.write_text("class Page(Object")
        case _:
            other.write_text("from spec import Page\nfrom other import Page as Other\n")
    spec = tmp_path / "spec.py"
    spec.write_text(f"from other import Page\n{declaring('')}")
    assert isinstance(judged(lambda: read(str(spec))), SpecError)


def test_files_that_import_each_other_in_a_long_ring_are_refused(tmp_path: Path) -> None:
    for number in range(30):
        text = f"from spec{(number + 1) % 30} import N\nN{number} = 1\n"
        (tmp_path / f"spec{number}.py").write_text(text)
    assert isinstance(judged(lambda: read(str(tmp_path / "spec0.py"))), SpecError)


def test_a_very_long_chain_of_imports_is_no_trouble(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"spec{number}.py").write_text(f"from spec{number + 1} import N\n")
    (tmp_path / "spec400.py").write_text("N = 1\n")
    (tmp_path / "spec.py").write_text(f"from spec0 import N\n{declaring('')}")
    told(judged(lambda: read(str(tmp_path / "spec.py"))))


if __name__ == "__main__":
    number = int(sys.argv[1])
    for strategy, check in (
        (with_other_tokens(), survives),
        (with_other_expressions(), survives),
        (cut_short(), survives_as_a_file),
        (gibberish(), survives_from_stdin),
    ):
        tried(number)(given(strategy)(check))()
