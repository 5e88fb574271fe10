"""The command line: exit codes, formats, files, and what is said when a command is wrong."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kmcheck import shelf

ROOT = Path(__file__).parent.parent
FLAGSHIP = "specs/kmemcg/reparent_caches.py"

FAILING = """\
from kmcheck.lang import Object, always, process, setup, start


class Flag(Object):
    up: bool


flag = Flag()


@process
def raises() -> None:
    flag.up = True


@setup
def begin() -> None:
    start(raises)


@always
def never_up() -> bool:
    return not flag.up
"""


def kmcheck(
    *arguments: str, cwd: Path = ROOT, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "kmcheck", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**plain, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    path = tmp_path / "failing.py"
    path.write_text(FAILING)
    return path


def test_a_spec_that_holds_exits_0_with_its_label() -> None:
    done = kmcheck("verify", FLAGSHIP)
    assert done.returncode == 0
    assert done.stdout.startswith("kmemcg/reparent_caches: HOLDS\n")
    for part in ("checked", "bounds", "choices", "engine", "explored", "sizes", "sha256", "again"):
        assert part in done.stdout
    assert "the space is closed" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("choice", ["READ_LOCK=no", "GRACE_PERIOD=no"])
def test_a_violation_exits_1_with_table_and_files(tmp_path: Path, choice: str) -> None:
    done = kmcheck("verify", FLAGSHIP, "-D", choice, "--counterexamples", str(tmp_path / "found"))
    assert done.returncode == 1
    assert "VIOLATED  use-after-free" in done.stdout
    assert "CPU0" in done.stdout
    assert "*** use-after-free" in done.stdout
    folder = tmp_path / "found/kmemcg/reparent_caches" / choice
    suffixes = {path.suffix for path in folder.iterdir()}
    assert suffixes == {".json", ".txt", ".svg", ".dot"}
    replayed = kmcheck("replay", str(folder / "use-after-free.json"))
    assert replayed.returncode == 0
    assert "reproduces use-after-free" in replayed.stdout


def test_the_same_command_prints_the_same_bytes() -> None:
    first, second = (
        kmcheck("verify", FLAGSHIP, "-D", "READ_LOCK=no", "--no-counterexamples") for _ in "ab"
    )
    assert first.stdout == second.stdout


@pytest.mark.parametrize("limit", [["--max-states", "10"], ["--max-depth", "2"]])
def test_a_limit_that_is_hit_exits_4_and_is_never_called_holds(limit: list[str]) -> None:
    done = kmcheck("verify", FLAGSHIP, *limit)
    assert done.returncode == 4
    assert "UNKNOWN" in done.stdout
    assert "HOLDS" not in done.stdout


def test_a_timeout_exits_4() -> None:
    done = kmcheck("verify", FLAGSHIP, "-D", "FREERS=6", "--timeout", "1s")
    assert done.returncode == 4
    assert "1 seconds are over" in done.stdout


def test_a_memory_limit_exits_4() -> None:
    done = kmcheck("verify", FLAGSHIP, "-D", "FREERS=6", "--memory", "100M")
    assert done.returncode == 4
    assert "of memory are used" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["verify"], "Missing argument"),
        (["verfy", "x"], "did you mean `verify`?"),
        (["verify", "nowhere.py"], "cannot read nowhere.py"),
        (["verify", "specs"], "cannot read specs"),
        (["verify", FLAGSHIP, "--bogus"], "No such option"),
        (["verify", FLAGSHIP, "-D", "READ_LOK=no"], "did you mean `READ_LOCK`?"),
        (["verify", FLAGSHIP, "-D", "READ_LOCK=maybe"], "neither yes nor no"),
        (["verify", FLAGSHIP, "-D", "READ_LOCK"], "is not NAME=VALUE"),
        (["verify", FLAGSHIP, "-D", "FREERS=many"], "no whole number"),
        (["verify", FLAGSHIP, "-D", "FREERS=-1"], "it is a number from 0 to 64"),
        (["verify", FLAGSHIP, "-p", "use-after-fre"], "did you mean `use-after-free`?"),
        (["verify", FLAGSHIP, "--engine", "nativ"], "there is no engine `nativ`"),
        (["verify", FLAGSHIP, "--timeout", "soon"], "is no time"),
        (["verify", FLAGSHIP, "--memory", "lots"], "is no amount of memory"),
        (["verify", "--expected", "-D", "A=1", "specs"], "do not go with --expected"),
        (["verify", "--expected", "kmcheck/cli"], "no spec with a table"),
        (["verify", FLAGSHIP, "-o", "/nowhere/at/all"], "cannot write"),
        (["show", "nowhere.json"], "cannot read nowhere.json"),
        (["show", "README.md"], "is not JSON"),
        (["replay", FLAGSHIP], "is not JSON"),
    ],
)
def test_a_wrong_command_exits_2_and_says_what_to_write(
    arguments: list[str], complaint: str
) -> None:
    done = kmcheck(*arguments)
    assert done.returncode == 2, done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_spec_exits_3_with_a_caret(tmp_path: Path) -> None:
    spec = tmp_path / "wrong.py"
    spec.write_text(FAILING.replace("flag.up = True", "flag.upp = True"))
    for verb in ("verify", "lint"):
        done = kmcheck(verb, str(spec))
        assert done.returncode == 3
        assert f"{spec}:13:10: error[K012]: Flag has no field `upp`" in done.stderr
        assert "^^^ unknown field" in done.stderr
        assert "did you mean `up`?" in done.stderr


def test_the_worst_of_several_outcomes_is_the_exit_code(failing: Path, tmp_path: Path) -> None:
    done = kmcheck("verify", FLAGSHIP, str(failing), "--counterexamples", str(tmp_path))
    assert done.returncode == 1
    assert "HOLDS" in done.stdout
    assert "VIOLATED  never_up" in done.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def")
    assert kmcheck("verify", str(failing), str(wrong), "--no-counterexamples").returncode == 3


def test_a_spec_may_come_from_standard_input() -> None:
    done = kmcheck("verify", "-", "--no-counterexamples", stdin=FAILING)
    assert done.returncode == 1
    assert "stdin: VIOLATED  never_up" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["again", "kmcheck", "verify", "-"]


def test_a_command_to_copy_is_quoted(tmp_path: Path) -> None:
    spec = tmp_path / "my spec.py"
    spec.write_text(FAILING)
    told = kmcheck("verify", spec.name, cwd=tmp_path).stdout
    assert "kmcheck verify 'my spec.py'" in told
    command = shlex.split(next(line for line in told.splitlines() if "replay:" in line))
    assert kmcheck(*command[2:], cwd=tmp_path).returncode == 0


def test_one_property_can_be_checked_alone(failing: Path) -> None:
    done = kmcheck("verify", str(failing), "-p", "deadlock")
    assert done.returncode == 0
    assert "HOLDS" in done.stdout


def test_json_tells_verdicts_apart_and_keeps_what_varies_apart(failing: Path) -> None:
    done = kmcheck("verify", str(failing), "--format", "json", "--no-counterexamples")
    told = json.loads(done.stdout)
    verdicts = {result["property"]: result["verdict"] for result in told["results"]}
    assert verdicts["never_up"] == "violated"
    assert verdicts["deadlock"] == "unknown"
    assert told["volatile"]["seconds"] > 0


def test_all_goes_on_after_the_first_violation(failing: Path) -> None:
    done = kmcheck("verify", str(failing), "--all", "--format", "json", "--no-counterexamples")
    verdicts = {r["property"]: r["verdict"] for r in json.loads(done.stdout)["results"]}
    assert verdicts["never_up"] == "violated"
    assert verdicts["deadlock"] == "holds"


def test_colour_is_where_it_is_wanted_and_nowhere_else(failing: Path) -> None:
    plain = ["verify", str(failing), "-q", "--no-counterexamples"]
    assert "\x1b" not in kmcheck(*plain).stdout
    assert "\x1b" in kmcheck(*plain, "--color", "always").stdout
    assert "\x1b" in kmcheck(*plain, FORCE_COLOR="1").stdout
    assert "\x1b" not in kmcheck(*plain, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b" in kmcheck(*plain, "--color", "always", NO_COLOR="1").stdout


def test_output_goes_to_a_file(failing: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    done = kmcheck("verify", str(failing), "-o", str(file), "--no-counterexamples")
    assert done.stdout == ""
    assert "VIOLATED" in file.read_text()


def test_a_folder_that_cannot_be_written_costs_no_verdict(failing: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    done = kmcheck("verify", str(failing), "--counterexamples", str(blocked))
    assert done.returncode == 1
    assert "VIOLATED" in done.stdout
    assert "no counterexample written" in done.stderr


@pytest.mark.parametrize("picture", shelf.names("render"))
def test_a_stored_trace_is_drawn_in_every_way(failing: Path, tmp_path: Path, picture: str) -> None:
    kmcheck("verify", str(failing), "--counterexamples", str(tmp_path / "c"))
    (trace,) = (tmp_path / "c").rglob("*.json")
    done = kmcheck("show", str(trace), "--as", picture)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_replay_refuses_a_trace_of_another_spec(failing: Path, tmp_path: Path) -> None:
    kmcheck("verify", str(failing), "--counterexamples", str(tmp_path / "c"))
    (trace,) = (tmp_path / "c").rglob("*.json")
    failing.write_text(FAILING.replace("flag.up = True", "flag.up = False"))
    done = kmcheck("replay", str(trace))
    assert done.returncode == 1
    assert "does not reproduce" in done.stdout
    assert "has changed" in done.stderr


def test_strict_fails_on_what_was_never_exercised(tmp_path: Path) -> None:
    spec = tmp_path / "unused.py"
    spec.write_text(FAILING.replace("return not flag.up", "return True") + "\n")
    assert kmcheck("verify", str(spec), "--strict").returncode == 0
    spec.write_text(
        FAILING.replace("    flag.up = True", "    if flag.up:\n        flag.up = True").replace(
            "return not flag.up", "return True"
        )
    )
    done = kmcheck("verify", str(spec), "--strict")
    assert done.returncode == 1
    assert "is never true" in done.stdout
    assert "see the label" in done.stderr
    for hidden in (["-q"], ["--format", "json"]):
        done = kmcheck("verify", str(spec), "--strict", *hidden)
        assert done.returncode == 1
        assert "is never true" in done.stderr
        assert "label" not in done.stderr


def test_expected_tables_are_checked_in_parallel() -> None:
    done = kmcheck("verify", "--expected", "specs/classic", "-j", "2")
    assert done.returncode == 0, done.stdout
    assert "checks are as expected" in done.stdout


def test_an_unmet_table_exits_1(failing: Path) -> None:
    failing.with_suffix(".toml").write_text('[[check]]\nverdict = "holds"\n')
    done = kmcheck("verify", "--expected", str(failing))
    assert done.returncode == 1
    assert "verdict is never_up, expected holds" in done.stdout


def test_help_lists_what_there_is() -> None:
    done = kmcheck("--help")
    assert done.returncode == 0
    for verb in shelf.names("cli"):
        assert f"\n  {verb}" in done.stdout
        assert kmcheck(verb, "--help").returncode == 0


def test_an_interrupted_search_exits_130_with_what_it_saw() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kmcheck", "verify", FLAGSHIP, "-D", "FREERS=8"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=3)
        process.send_signal(2)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "UNKNOWN  interrupted" in out
    assert "Traceback" not in err


def test_no_verb_gets_the_help_and_exits_2() -> None:
    alone, asked = kmcheck(), kmcheck("--help")
    assert (alone.returncode, alone.stdout, alone.stderr) == (2, asked.stdout, "")
