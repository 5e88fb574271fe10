"""Specs as tests of pytest: collected where somebody asks for it, once, and never executed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

# What a test runs in this process it does not load again and again.
import kmcheck.engines.native
import kmcheck.render.columns
import kmcheck.testing.collected
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.verdict import Result
from tests.test_cli import FAILING, ROOT

pytest_plugins = ["pytester"]

CHOICES = """
flag = Flag()
RAISE = choice(True, "raise the flag")
TWICE = choice(False, "and again")
"""
RAISES = """
    flag.up = False
    if RAISE:
        flag.up = True
"""
SPEC = (
    FAILING.replace("import ", "import choice, ")
    .replace("\nflag = Flag()\n", CHOICES)
    .replace("\n    flag.up = True\n", RAISES)
)
TABLE = """
[[check]]
verdict = "never_up"
steps = 2

[[check]]
choices = { RAISE = false, TWICE = true }
property = "never_up"
verdict = "holds"

[[check]]
choices = { RAISE = false, TWICE = true }
property = "never_up"
verdict = "holds"
"""
NAMES = ["as it stands", "RAISE=no,TWICE=yes:never_up", "RAISE=no,TWICE=yes:never_up#2"]
PLUGINS = [
    "-p",
    "no:kmcheck",
    "-p",
    "kmcheck.pytest_plugin",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
]
"""As the file of this checkout, whatever is installed."""
LOADED = [kmcheck.engines.native, kmcheck.render.columns, kmcheck.testing.collected]


@pytest.fixture
def specs(pytester: pytest.Pytester) -> Path:
    """Make a folder with a spec and its table, and another file."""
    folder = pytester.mkdir("specs")
    (folder / "flag.py").write_text(SPEC)
    (folder / "flag.toml").write_text(TABLE)
    (folder / "alone.py").write_text("raise SystemExit('this has no table')\n")
    return folder


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*PLUGINS, *arguments, no_reraise_ctrlc=True)


def collected(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def failed(pytester: pytest.Pytester, table: str, spec: str = SPEC) -> list[str]:
    """Return what is printed of a check that fails."""
    folder = pytester.mkdir("flag")
    (folder / "flag.py").write_text(spec)
    (folder / "flag.toml").write_text(table)
    result = run(pytester, "--kmcheck", "flag/flag.py")
    result.assert_outcomes(failed=1)
    return result.outlines


# --- what is collected ---------------------------------------------------------------------------


@pytest.mark.usefixtures("specs")
def test_an_installed_plugin_collects_nothing_by_itself(pytester: pytest.Pytester) -> None:
    assert run(pytester).ret == pytest.ExitCode.NO_TESTS_COLLECTED


WAYS = {
    "flag": ["--kmcheck"],
    "flag_and_file": ["--kmcheck", "specs/flag.py"],
    "setting": ["-o", "kmcheck_specs=specs/*.py"],
    "setting_and_file": ["-o", "kmcheck_specs=specs/*.py", "specs/flag.py"],
    "both": ["--kmcheck", "-o", "kmcheck_specs=*/flag.py", "-o", "python_files=*.py", "specs"],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_the_checks_of_a_spec_are_collected_once(
    pytester: pytest.Pytester, specs: Path, way: list[str]
) -> None:
    (specs / "alone.py").unlink()
    (specs / "flag.py").write_text(f"print('executed')\n{SPEC}")
    result = run(pytester, "--collect-only", "-q", *way)
    assert collected(result) == [f"specs/flag.py::{name}" for name in NAMES]
    result.stdout.no_fnmatch_line("*executed*")


@pytest.mark.usefixtures("specs")
def test_a_check_can_be_chosen_by_its_name_and_by_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass")
    strict = ("--kmcheck", "--strict-markers")
    run(pytester, *strict, "specs/flag.py::as it stands").assert_outcomes(passed=1)
    run(pytester, *strict, "-k", "RAISE").assert_outcomes(passed=2, deselected=2)
    run(pytester, *strict, "-m", "not kmcheck").assert_outcomes(passed=1, deselected=3)
    run(pytester, *strict, "-m", "kmcheck").assert_outcomes(passed=3, deselected=1)


def test_a_table_that_is_none_is_an_error_and_no_traceback(
    pytester: pytest.Pytester, specs: Path
) -> None:
    (specs / "flag.toml").write_text(TABLE.replace("steps", "stps"))
    result = run(pytester, "--kmcheck")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*flag.toml: check 1 has an unknown key `stps`", "*did you mean*"])
    result.stdout.no_fnmatch_line("*Traceback*")


# --- what a failure shows ------------------------------------------------------------------------


def test_a_failure_shows_the_place_and_the_table(pytester: pytest.Pytester) -> None:
    shown = failed(pytester, '[[check]]\nverdict = "holds"\n')
    wanted = [
        "not as the table expects: verdict is never_up, expected holds",
        "flag/flag: VIOLATED  never_up  (2 steps, shortest)",
        "",
        "flag/flag.py:17: never_up does not hold: flag.up = true",
        "",
        "     CPU0",
        "     ----",
    ]
    at = shown.index(wanted[0])
    assert shown[at : at + len(wanted)] == wanted
    assert any("*** never_up" in line for line in shown)
    assert not any("kmcheck/testing/" in line for line in shown)


def test_a_wrong_number_fails(pytester: pytest.Pytester) -> None:
    table = '[[check]]\nchoices = { RAISE = false }\nverdict = "holds"\nstates = 7\n'
    assert any("states is 2, expected 7" in line for line in failed(pytester, table))


def test_a_wrong_spec_fails_with_a_caret(pytester: pytest.Pytester) -> None:
    wrong = SPEC.replace("flag.up = True", "flag.upp = True")
    shown = failed(pytester, '[[check]]\nverdict = "holds"\n', wrong)
    assert "flag/flag.py:17:14: error[K012]: Flag has no field `upp`" in shown
    assert any("^^^ unknown field" in line for line in shown)


def test_a_setting_that_is_not_there_fails_with_a_hint(pytester: pytest.Pytester) -> None:
    table = '[[check]]\nchoices = { RAIS = true }\nverdict = "holds"\n'
    assert "did you mean `RAISE`?" in failed(pytester, table)


# --- the fixture ---------------------------------------------------------------------------------

ASKING = """
    from pathlib import Path

    import pytest

    TEXT = Path("flag.py").read_text()

    def test_what_is_said(kmcheck):
        checked = kmcheck.verify("flag.py")
        assert not checked.holds
        assert checked.violated == ("never_up",)
        assert "deadlock" in checked.unknown
        assert checked.trace.violation.place.path == "flag.py"
        assert checked.assert_violated("never_up") is checked.trace
        assert repr(checked) .endswith("/flag: VIOLATED  never_up  (2 steps, shortest)>")

    def test_settings_and_options(kmcheck):
        given = {"RAISE": False, "TWICE": True}
        kmcheck.verify(Path("flag.py"), D=given).assert_holds()
        kmcheck.verify(TEXT, D=given, liveness=True, engine="reference").assert_holds()
        assert kmcheck.verify(TEXT, properties=["deadlock"]).holds
        found = kmcheck.verify("flag.py", every=True)
        assert (found.unknown, found.holds, list(found.traces)) == ((), False, ["never_up"])
        limited = kmcheck.verify(TEXT, D=given, max_states=1)
        assert (limited.holds, limited.violated, limited.trace) == (False, (), None)

    def test_holds(kmcheck):
        kmcheck.verify(TEXT).assert_holds()

    def test_violated(kmcheck):
        kmcheck.verify(TEXT).assert_violated("leak")

    def test_undecided(kmcheck):
        kmcheck.verify(TEXT, D={"RAISE": "no"}, max_states=1).assert_holds()

    def test_wrong(kmcheck):
        kmcheck.verify(TEXT.replace("flag.up = ", "flag.upp = "))
"""


def test_the_fixture_says_what_holds_and_shows_what_does_not(pytester: pytest.Pytester) -> None:
    (pytester.path / "flag.py").write_text(SPEC)
    pytester.makepyfile(ASKING)
    result = run(pytester)
    result.assert_outcomes(passed=2, failed=4)
    result.stdout.fnmatch_lines(
        [
            "*Unmet: expected holds",
            "E */spec: VIOLATED  never_up*",
            "E * spec.py:17: never_up does not hold: flag.up = true",
            "E *CPU0",
            "*Unmet: expected a violation of leak",
            "E *CPU0",
            "*Unmet: expected holds",
            "E */spec: UNKNOWN *RAISE=no",
            "*Unmet: the spec is wrong",
            "E *[[]K012[]]: Flag has no field `upp`",
        ]
    )
    result.stdout.no_fnmatch_line("*kmcheck/testing/:*: in *")


# --- Ctrl-C --------------------------------------------------------------------------------------


def test_an_interrupt_ends_the_run_and_is_no_failure(
    pytester: pytest.Pytester, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(source: Source, options: Options) -> Result:
        result = verify(source, options)
        return replace(result, label=replace(result.label, stopped="interrupted"))

    monkeypatch.setattr("kmcheck.testing.checked.verify", interrupted)
    pytester.makepyfile(test_asking="def test_it(kmcheck): kmcheck.verify('specs/flag.py')")
    for arguments in (["--kmcheck", "specs"], ["test_asking.py"]):
        result = run(pytester, *arguments)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        result.assert_outcomes()


# --- what it costs those who do not use it -------------------------------------------------------

IDLE = """
import sys, pytest
pytest.main(sys.argv[1:])
print("loaded", *(name for name in sorted(sys.modules) if name.startswith("kmcheck")))
"""


def test_a_plugin_that_is_not_used_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n")
    done = subprocess.run(
        [sys.executable, "-c", IDLE, *PLUGINS, "-q", "--fixtures", "test_other.py"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "loaded kmcheck kmcheck.pytest_plugin"
    assert "kmcheck" in done.stdout
