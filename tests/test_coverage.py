"""Coverage: what was run of each line of a spec, and that nothing is called dead that is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from kmcheck.cli import kmcheck
from kmcheck.coverage import Coverage, covered
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.frontend import compile_spec, read
from kmcheck.verdict import WITHOUT, Budget
from tests.language import source

ROOT = Path(__file__).resolve().parent.parent
NATIVE = Options(engine="native", every=True, without=WITHOUT)
PLAIN = Options(every=True)

SPEC = """
class Kind(Enum):
    SMALL = auto()
    LARGE = auto()

class G(Object):
    n: Annotated[int, range(5)]
    up: bool
    never: bool
    page: Ref["Page"]

class Page(Object, limit=2):
    n: Annotated[int, range(5)]

g = G()
LEFT_OUT = choice(False, "an arm that is left out")

@process
def picks() -> None:
    with atomic():
        k = choose(1, 2, 3)  # 3 is never
        g.n = k
        wait_until(g.n < 3)
    if g.n == 4:
        g.n = 0
    if LEFT_OUT:
        g.up = True
    while g.up:
        g.up = False

@process(limit=1, daemon=True)
def waits() -> None:
    wait_until(g.never)
    g.n = 0

def unused() -> None:
    g.n = 1

@setup
def begin() -> None:
    g.page = Page()
    if choose(True, False):
        g.page.n = 1
    start(picks)
    start(waits)

@always
def small() -> bool:
    return g.n < 5
"""


def coverage(text: str | Source, options: Options = NATIVE) -> Coverage:
    of = source(text) if isinstance(text, str) else text
    return covered(compile_spec(of, options.settings), verify(of, options))


def marks(found: Coverage) -> dict[str, str]:
    return {line.text.strip(): line.mark for line in found.files[0].lines}


def missed(found: Coverage) -> list[tuple[str, str]]:
    return [(m.text, m.what) for line in found.files[0].lines for m in line.missed]


@pytest.mark.parametrize("options", [NATIVE, PLAIN, replace(PLAIN, without=WITHOUT)])
def test_each_line_says_what_was_run_of_it(options: Options) -> None:
    found = coverage(SPEC, options)
    lines = marks(found)
    assert lines["k = choose(1, 2, 3)  # 3 is never"] == "partly"
    assert lines["if g.n == 4:"] == "partly"
    assert lines["g.n = 0"] == "never"  # both of them
    assert lines["if LEFT_OUT:"] == ""
    assert lines["g.up = True"] == lines["g.n = 1"] == "left out"
    assert lines["while g.up:"] == "partly"
    assert lines["wait_until(g.never)"] == "never"
    assert lines["def waits() -> None:"] == "run"
    assert lines["g.page.n = 1"] == "run"
    assert lines["def small() -> bool:"] == "run"
    assert missed(found) == [
        ("choose(1, 2, 3)", "never chooses 3"),
        ("g.n == 4", "is never true"),
        ("g.n = 0", "is never run"),
        ("g.up", "is never true"),
        ("g.up = False", "is never run"),
        ("wait_until(g.never)", "is never run"),
        ("g.n = 0", "is never run"),
    ]
    assert (found.counts["options"].run, found.counts["options"].all) == (4, 5)
    assert (found.counts["arms"].run, found.counts["arms"].all) == (4, 6)
    assert found.stopped == ""


ARMS = """
class G(Object):
    n: Annotated[int, range(9)]
    up: bool

g = G()
CHECK = choice(False, "whether it looks")

def checked(wanted: bool) -> bool:
    if wanted and g.up:
        return False
    return True

def both(wanted: bool) -> None:
    if wanted:
        return
    g.n = 7

@process
def looks() -> None:
    both(False)
    both(True)
    if CHECK and g.up:
        return
    while CHECK and g.up:
        g.n = 1
    if not CHECK or g.up:
        g.n = 2
    else:
        k = 3
    if checked(CHECK):
        g.n = 4

@setup
def begin() -> None:
    start(looks)
"""


def test_an_arm_that_the_settings_leave_out_is_marked_whatever_it_does() -> None:
    found = coverage(ARMS)
    left = [line.text.strip() for line in found.files[0].lines if line.mark == "left out"]
    assert left == ["return False", "return", "g.n = 1", "k = 3"]
    there = coverage(ARMS, replace(NATIVE, settings={"CHECK": True}))
    assert [line for line in there.files[0].lines if line.mark == "left out"] == []


CHAIN = """
class G(Object):
    n: Annotated[int, range(9)]

g = G()
WAY = bound(1, "which arm")
GOES_ON = choice(False, "whether it goes on")

@process
def works() -> None:
    if WAY == 1:
        first = g.n
        g.n = first
    elif WAY == 2:
        second = g.n
        while second == 2:
            # what is not run, either
            second = g.n + 2
    else:
        third = g.n
    behind = 0
    if not GOES_ON:
        return
    last = g.n
    behind = last

@setup
def begin() -> None:
    start(works)
"""
CHAIN_ARMS = {
    1: ["first = g.n", "g.n = first"],
    2: ["second = g.n", "while second == 2:", "# what is not run, either", "second = g.n + 2"],
    3: ["third = g.n"],
}


@pytest.mark.parametrize("way", [1, 2, 3])
def test_what_the_settings_leave_out_is_marked_whatever_it_does(way: int) -> None:
    lines = marks(coverage(CHAIN, replace(NATIVE, settings={"WAY": way})))
    left_out = {text for text, mark in lines.items() if mark == "left out"}
    others = {text for other in CHAIN_ARMS.keys() - {way} for text in CHAIN_ARMS[other]}
    chain = {"elif WAY == 2:", "else:"} if way == 1 else set()
    assert left_out == others | chain | {"last = g.n", "behind = last"}


def test_nothing_is_left_out_that_some_caller_runs() -> None:
    text = CHAIN.replace("@process\ndef works() -> None:", "def helps(way: int) -> None:")
    text = text.replace("WAY ==", "way ==").replace("if not GOES_ON:\n        return\n    ", "")
    callers = "@process\ndef works() -> None:\n    helps(1)\n    helps(2)\n\n@setup"
    lines = marks(coverage(text.replace("@setup", callers)))
    assert {text for text, mark in lines.items() if mark == "left out"} == {"third = g.n"}


WAYS = {
    "a wait behind a branch": """
    with atomic():
        if g.n == 0:
            g.n = choose(0, 1, 2)
        else:
            g.n = 4
        wait_until(g.n > 1)
    """,
    "it goes wrong before the wait": """
    with atomic():
        g.n = choose(1, 2)
        if g.n == 2:
            free(g.page)
        wait_until(g.page.n == 7)
    """,
    "it goes wrong behind the wait": """
    with atomic():
        g.n = choose(0, 1, 2)
        wait_until(g.n != 0)
        free(g.page)
        free(g.page)
    """,
    "there is nothing to choose": """
    with atomic():
        g.up = True
        page = choose(Page)
        free(page)
        other = choose(Page)
        g.n = 2
    """,
    "what it starts goes wrong": """
    with atomic():
        k = choose(1, 2)
        if k == 2:
            start(child, g.page)
        wait_until(k == 2)
    """,
    "too many are started": """
    for _ in range(3):
        start(child, g.page)
    """,
    "a loop in one step": """
    with atomic():
        while g.n < 4:
            g.n = g.n + choose(1, 2)
        wait_until(g.n == 5)
    """,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_disabled_step_came_through_is_not_run_in_any_engine(way: str) -> None:
    text = SPEC.replace("    wait_until(g.never)\n    g.n = 0\n", WAYS[way])
    text = text.replace("n: Annotated[int, range(5)]", "n: Annotated[int, range(9)]")
    if "child" in text:
        text += "\n@process(limit=2)\ndef child(page: Page) -> None:\n    free(page)\n"
    native, plain = (
        verify(source(text), replace(PLAIN, engine=engine)).label
        for engine in ("native", "reference")
    )
    assert native.statistics.exercised == plain.statistics.exercised
    assert native.statistics.unexercised == plain.statistics.unexercised


def test_a_choice_is_taken_only_where_the_step_goes_on() -> None:
    text = SPEC.replace("    wait_until(g.never)\n    g.n = 0\n", WAYS["a wait behind a branch"])
    found = [m for m in missed(coverage(text)) if "choose(0" in m[0]]
    assert found == [
        ("choose(0, 1, 2)", "never chooses 0"),
        ("choose(0, 1, 2)", "never chooses 1"),
    ]


def test_a_choice_among_objects_is_none_where_there_is_one() -> None:
    text = SPEC.replace("wait_until(g.never)", "page = choose(Page)")
    assert ("choose(Page)", "never has more than one to choose from") in missed(coverage(text))
    more = text.replace("    g.page = Page()", "    g.page = Page()\n    more = Page()")
    assert not [m for m in missed(coverage(more)) if "to choose from" in m[1]]


@pytest.mark.parametrize("path", ["kmemcg/reparent_charge.py", "classic/qrcu.py"])
def test_reductions_make_no_difference(path: str) -> None:
    of = read(str(ROOT / "specs" / path))
    reduced, whole = coverage(of), coverage(of, replace(NATIVE, without=PLAIN.without))
    assert reduced.label.reductions
    assert (reduced.files, reduced.counts) == (whole.files, whole.counts)


def test_a_search_that_ends_early_says_so() -> None:
    found = coverage(SPEC, replace(NATIVE, budget=Budget(depth=1)))
    assert found.stopped == "depth 1 reached"
    broken = SPEC.replace("g.n < 5", "g.n != 2")
    first = coverage(broken, replace(NATIVE, every=False))
    assert first.stopped == "the search ended at the first violation"


def test_a_property_that_is_never_asked_for_is_not_covered() -> None:
    text = SPEC + "\n@always\ndef none(t: Lost) -> bool:\n    return t.n == 0\n"
    text = text.replace("class G(Object):", "class Lost(Object):\n    n: int\n\nclass G(Object):")
    assert ("def none(t: Lost) -> bool:", "is never asked for") in missed(coverage(text))


def test_a_part_of_a_property_that_is_never_looked_at_is_not_covered() -> None:
    found = coverage(SPEC.replace("return g.n < 5", "return not g.never or g.n == 4"))
    assert ("g.n == 4", "is never looked at") in missed(found)
    assert marks(found)["return not g.never or g.n == 4"] == "partly"


def test_a_process_that_is_never_started_is_not_covered() -> None:
    text = SPEC.replace("        g.up = False", "        g.up = False\n        start(waits)")
    found = coverage(text.replace("    start(waits)\n\n@always", "\n@always"))
    assert ("def waits() -> None:", "is never started") in missed(found)
    assert marks(found)["def waits() -> None:"] == marks(found)["wait_until(g.never)"] == "never"


def test_an_order_of_locks_that_is_learnt_changes_no_line() -> None:
    text = SPEC.replace("    up: bool", "    a: SpinLock\n    b: Other\n    up: bool")
    text = text.replace("class G(", "class Other(Object):\n    lock: SpinLock\n\nclass G(")
    nested = ["spin_lock(g.a)", "spin_lock(g.b.lock)", "spin_unlock(g.b.lock)", "spin_unlock(g.a)"]
    text = text.replace("    if LEFT_OUT:", "\n    ".join(["", *nested, "if LEFT_OUT:"])[1:])
    of = source(text)
    library = "from kmcheck.kernel.spinlock import SpinLock, spin_lock, spin_unlock\n"
    found = coverage(replace(of, text=library + of.text))
    assert marks(found)["spin_lock(g.b.lock)"] == marks(found)["spin_unlock(g.a)"] == "run"
    assert found.library["kmcheck.kernel.spinlock"].run
    assert {listing.path for listing in found.files} == {"spec.py"}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(kmcheck, ["coverage", *arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    return int(result.return_value or 0), result.stdout


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "spec.py"
    path.write_text(source(SPEC).text)
    return str(path)


def test_the_verb_lists_lines_with_marks(spec: str) -> None:
    code, text = run(spec, "--progress=never")
    assert code == 0
    assert "!     wait_until(g.never)" in text
    assert "^ is never run" in text
    assert "the space is closed" in text
    quiet = run(spec, "-q")[1]
    assert "never chooses 3" in quiet
    assert "while g.up" in quiet
    assert "def small" not in quiet
    assert "```text" in run(spec, "--format=markdown")[1]


def test_strict_fails_and_an_early_end_is_inconclusive(spec: str, tmp_path: Path) -> None:
    assert run(spec, "--strict")[0] == 1
    code, text = run(spec, "--max-depth=1")
    assert code == 4
    assert "not all: depth 1 reached. What is marked was not run so far" in text
    broken = Path(spec).read_text().replace("g.n < 5", "g.n != 2")
    (tmp_path / "broken.py").write_text(broken)
    code, text = run(str(tmp_path / "broken.py"))
    assert code == 1
    assert "states, violated: small, the space is closed" in text


def test_json_has_every_line_with_code(spec: str, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(spec, "--format=json", "-o", str(out)) == (0, "")
    told = json.loads(out.read_text())
    assert told["stopped"] is None
    assert told["violated"] == []
    assert told["counts"]["options"] == {"run": 4, "all": 5}
    by_text = {line["text"].strip(): line for line in told["lines"]}
    assert by_text["if g.n == 4:"]["missed"] == [
        {"column": 8, "what": "is never true", "text": "g.n == 4"}
    ]
    assert by_text["g.up = True"]["mark"] == "left out"
