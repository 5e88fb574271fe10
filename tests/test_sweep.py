"""Tables over bounds and choices: which cells there are, what comes of them, how they grow."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from kmcheck import sweep as room
from kmcheck.chart import Chart, Panel, Point, Series, draw
from kmcheck.chart.draw import placed
from kmcheck.chart.series import power
from kmcheck.cli import kmcheck
from kmcheck.diagnostics import UsageError
from kmcheck.diagram.shapes import Text
from kmcheck.growth import growth
from kmcheck.sweep import Axis, Cell, Measured, Sweep, axes, chart
from kmcheck.sweep.tables import json_of, markdown, text
from kmcheck.sweep.words import lasting
from tests.language import source

SPEC = """
class Mode(Enum):
    ADD = auto()
    BREAK = auto()

class G(Object):
    n: Annotated[int, range(99)]

g = G()
COUNT = bound(1, "processes that count")
MODE = choice(Mode.ADD, "what they do")
TWICE = choice(False, "whether they do it twice")

@process
def counts() -> None:
    fetch_add(g.n, 1)
    if TWICE:
        fetch_add(g.n, 1)
    if MODE == Mode.BREAK:
        assert g.n < 2

@setup
def begin() -> None:
    for _ in range(COUNT):
        start(counts)
"""


def asked(**given: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((axis.name, axis.values) for axis in axes(source(SPEC), given))


def test_values_are_ranges_lists_or_all() -> None:
    assert asked(COUNT="1..3", TWICE="no,yes") == (
        ("COUNT", ("1", "2", "3")),
        ("TWICE", ("no", "yes")),
    )
    assert asked(MODE="all", COUNT="2, 4..5,4") == (
        ("COUNT", ("2", "4", "5")),
        ("MODE", ("add", "break")),
    )
    assert asked(MODE="Add") == (("MODE", ("add",)),)
    assert asked() == ()


WRONG = {
    "COUNTS=1..2": ("no bound or choice `COUNTS`", "did you mean `COUNT`?"),
    "COUNT=3..1": ("the range 3..1 of COUNT is empty", "write 1..3"),
    "COUNT=60..70": ("COUNT cannot be 65", "a number from 0 to 64"),
    "COUNT=1..20000": ("is too long", "fewer"),
    "COUNT=all": ("too many values for `all`", "write how far: `-D COUNT=1..4`"),
    "COUNT=1..": ("`1..` is no range of COUNT", "-D COUNT=1..4"),
    "COUNT=1,,2": ("`` is no range of COUNT", "-D COUNT=1..4"),
    "COUNT=two": ("`two` is no whole number", "a number from 0 to 64"),
    "TWICE=1..2": ("TWICE is a choice, and has no range", "-D TWICE=yes,no"),
    "TWICE=maybe": ("`maybe` is neither yes nor no", "it is yes or no"),
    "MODE=brake": ("MODE cannot be `brake`", "add, break"),
}


@pytest.mark.parametrize("given", WRONG)
def test_wrong_values_are_told_with_what_to_write(given: str) -> None:
    name, _, values = given.partition("=")
    with pytest.raises(UsageError) as error:
        axes(source(SPEC), {name: values})
    message, hint = WRONG[given]
    assert message in error.value.message
    assert hint in error.value.hint


# --- growth --------------------------------------------------------------------------------------


def test_exponential_and_polynomial_growth_are_told_apart() -> None:
    doubling = growth([(n, 3.0 * 2**n) for n in range(1, 6)])
    assert doubling is not None
    assert doubling.sort == "exponential"
    assert doubling.rate == pytest.approx(2)
    assert doubling.at(6) == pytest.approx(192)
    cubic = growth([(n, 5.0 * n**3) for n in (1, 2, 3, 4)])
    assert cubic is not None
    assert cubic.sort == "polynomial"
    assert [cubic.rate, cubic.error] == pytest.approx([3, 1])
    assert cubic.at(5) == pytest.approx(625)


def test_growth_from_zero_is_of_the_bound_plus_one() -> None:
    found = growth([(n, 2.0 * (n + 1) ** 2) for n in range(4)])
    assert found is not None
    assert (found.sort, found.shift) == ("polynomial", 1)
    assert found.rate == pytest.approx(2)


def test_the_error_is_that_of_the_worst_point() -> None:
    found = growth([(1, 2.0), (2, 4.0), (3, 8.0), (4, 32.0)])
    assert found is not None
    off = max(max(a / found.at(n), found.at(n) / a) for n, a in [(1, 2), (2, 4), (3, 8), (4, 32)])
    assert found.error == pytest.approx(off)


def test_two_points_are_no_fit() -> None:
    assert growth([(1, 2.0), (2, 4.0)]) is None


def test_what_grows_beyond_all_numbers_is_infinite() -> None:
    found = growth([(n, 10.0 ** (99 * n)) for n in (1, 2, 3)])
    assert found is not None
    assert found.at(9) == float("inf")


def line(*cells: tuple[int, str, int], seconds: float = 0.1) -> room.Line:
    table = tuple(
        Cell((str(n),), Measured(verdict, states=states, seconds=seconds * states))
        for n, verdict, states in cells
    )
    return Sweep("s", "d", (Axis("N", tuple(c.values[0] for c in table), True),), table).lines[0]


def test_a_fit_ends_at_the_first_cell_that_does_not_hold() -> None:
    known = [(1, "holds", 10), (2, "holds", 20), (3, "holds", 40)]
    whole = line(*known)
    assert whole.states is not None
    assert (whole.states.next, round(whole.states.expected)) == (4, 80)
    for verdict in ("unknown", "violated", "skipped", "wrong"):
        found = line(*known, (4, verdict, 41), (5, "holds", 1000)).states
        assert found is not None
        assert (found.next, round(found.expected)) == (4, 80)
        assert line((1, verdict, 5), *((n + 1, v, s) for n, v, s in known)).states is None


def test_times_of_quick_cells_tell_nothing() -> None:
    cells = [(n, "holds", 10 * 4**n) for n in range(1, 6)]
    found = line(*cells).seconds
    assert found is not None
    assert found.curve.rate == pytest.approx(4)
    assert line(*cells, seconds=0.0001).seconds is None
    assert line(*((n, "holds", 50) for n in range(1, 6))).seconds is None


# --- the verb ------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(kmcheck, ["sweep", *arguments], standalone_mode=False)
    if isinstance(result.exception, UsageError):
        return 2, "", result.exception.message
    assert result.exception is None, result.exception
    return int(result.return_value or 0), result.stdout, result.stderr


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "spec.py"
    path.write_text(source(SPEC).text)
    return path


def test_the_verb_makes_a_table_and_a_plot(spec: Path, tmp_path: Path) -> None:
    wanted = [str(spec), "-D", "COUNT=1..3", "-D", "MODE=all", "-j2"]
    plot, kept = tmp_path / "plot.svg", tmp_path / "kept.json"
    code, printed, _ = run(*wanted, "--plot", str(plot), "--resume", str(kept))
    assert code == 1
    head, _, heads, *rows = printed.splitlines()
    assert head.endswith("spec: 6 cells: 4 hold, 2 violated")
    assert heads.split() == [
        "COUNT",
        "MODE",
        "it",
        "is",
        "steps",
        "states",
        "transitions",
        "depth",
    ]
    assert [row.split()[:3] for row in rows[:6]] == [
        ["1", "add", "holds"],
        ["1", "break", "holds"],
        ["2", "add", "holds"],
        ["2", "break", "assertion"],
        ["3", "add", "holds"],
        ["3", "break", "assertion"],
    ]
    assert re.match(
        r"MODE=add: states grow .*, measured within x\d\.\d\d; COUNT=4: about \d+ states", rows[7]
    )
    assert rows[8] == "MODE=break: no fit: fewer than three cells in a row hold"
    assert ET.fromstring(plot.read_text()).tag.endswith("svg")  # noqa: S314 - our own
    told = json.loads(kept.read_text())
    assert len(told) == 6
    for outcome in told.values():
        outcome["states"] = 777
    kept.write_text(json.dumps(told))
    code, printed, _ = run(*wanted, "--resume", str(kept), "--format", "json", "-o", str(plot))
    assert (code, printed) == (1, "")
    found = json.loads(plot.read_text())
    assert [cell["states"] for cell in found["cells"]] == [777] * 6
    assert found["cells"][3]["settings"] == {"COUNT": "2", "MODE": "break"}
    assert set(found["volatile"]["cells"][0]) == {"seconds", "bytes", "least", "most"}


def test_unknown_cells_stay_unknown_and_larger_ones_run_unless_told(spec: Path) -> None:
    limited = [str(spec), "-D", "COUNT=2..4", "--max-states", "2", "-j2"]
    code, printed, _ = run(*limited, "-D", "TWICE=yes")
    assert code == 4
    assert "3 cells: 3 unknown" in printed
    assert printed.count("unknown: 2 states reached") == 3
    code, printed, _ = run(*limited, "--skip", "--times")
    assert code == 4
    assert "3 cells: 1 unknown, 2 skipped" in printed
    assert printed.count("skipped: a smaller one is unknown") == 2
    assert printed.splitlines()[2].split()[-5:] == ["depth", "time", "memory", "so", "far"]


def test_a_cell_that_is_no_spec_is_told(tmp_path: Path) -> None:
    bounds = 'COUNT = bound(2, "so many")\nLESS = bound(0, "how many less")\n'
    given = SPEC.replace('COUNT = bound(1, "processes that count")\n', "")
    (tmp_path / "wrong.py").write_text(
        source(bounds + given.replace("range(99)", "range(COUNT - LESS)")).text
    )
    wanted = ("-D", "COUNT=1", "-D", "LESS=1", "--format", "markdown")
    code, printed, _ = run(str(tmp_path / "wrong.py"), *wanted)
    assert code == 3
    assert "| 1 | 1 | wrong: this range is empty |" in printed


def test_a_plot_with_too_many_lines_is_refused(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmcheck.cli.sweep.MOST_LINES", 3)
    wanted = ("-D", "COUNT=1..8", "-D", "MODE=all", "-D", "TWICE=all", "--plot", "x.svg")
    assert run(str(spec), *wanted)[2] == "a plot of 4 lines cannot be read"


def test_wrong_flags_are_told_before_anything_is_verified(spec: Path, tmp_path: Path) -> None:
    assert run(str(spec), "-D", "TWICE=all", "--plot", "x.svg")[2] == "a plot is over a bound"
    assert "cannot write" in run(str(spec), "-D", "TWICE=no", "-o", f"{tmp_path}/no/x")[2]
    result = CliRunner().invoke(
        kmcheck, ["sweep", str(spec), "-p", "asertion"], standalone_mode=False
    )
    assert isinstance(result.exception, UsageError)
    assert result.exception.message == "the spec has no property `asertion`"
    assert result.exception.hint == "did you mean `assertion`?"
    (tmp_path / "kept.json").write_text("[]")
    assert "no file of outcomes" in run(str(spec), "--resume", str(tmp_path / "kept.json"))[2]


# --- tables and charts ---------------------------------------------------------------------------

UNKNOWN = Measured("unknown", "9 s are over", None, 9, 9, 9, 9.0, 9, 20, 30)
TABLE = Sweep(
    "classic/some_lock",
    "0" * 64,
    (Axis("N", ("1", "2", "3", "4", "5"), True), Axis("LOCK", ("yes", "no"), False)),
    tuple(
        cell
        for n in range(1, 6)
        for cell in (
            Cell((str(n), "yes"), Measured("holds", "", None, 7**n, 9**n, n, 3.0**n, 2**28))
            if n < 5
            else Cell((str(n), "yes"), UNKNOWN),
            Cell((str(n), "no"), Measured("violated", "leak", 4, 5 * n, 6 * n, 4, 0.5, 2**28)),
        )
    ),
)  # fmt: skip


def test_what_varies_is_in_the_table_only_if_wanted() -> None:
    other = replace(
        TABLE,
        cells=tuple(replace(c, found=replace(c.found, seconds=1.5, bytes=7)) for c in TABLE.cells),
    )
    for form in (text, markdown):
        assert form(TABLE, times=False) == form(other, times=False)
        assert form(TABLE, times=True) != form(other, times=True)
    first, second = (json.loads(json_of(t, times=False)) for t in (TABLE, other))
    assert first.pop("volatile") != second.pop("volatile")
    assert first == second
    assert "9 of 20 to 30" in text(TABLE, times=True)
    slow = tuple(
        replace(c, found=replace(c.found, seconds=9 * c.found.seconds)) for c in TABLE.cells
    )
    quick = Cell(("0", "yes"), Measured("holds", "", None, 1, 1, 1, 0.5, 1))
    told = text(replace(TABLE, cells=(quick, *slow)), times=True)
    assert (
        "time grows x3 each time N grows by one, measured within x1.00; N=5: about 36 min" in told
    )
    assert "; N=5: about 17,000 states (so told, N=4 was right)" in told


def test_how_good_it_is_is_told_by_what_would_have_been_told_of_the_last() -> None:
    def lines(*states: int) -> str:
        cells = tuple(
            Cell((str(n), "yes"), Measured("holds", "", None, count, 1, 1, 1.0, 1))
            for n, count in enumerate(states, 1)
        )
        return text(replace(TABLE, cells=cells), times=False)

    assert "N=5: about 13 states (so told, N=4 was x1.60 too much)" in lines(2, 4, 8, 10)
    assert "N=4 was x1.25 too little)" in lines(2, 4, 8, 20)
    assert "N=4: about 16 states\n" in lines(2, 4, 8)
    cells = tuple(
        Cell((str(n), "yes"), Measured("holds", "", None, 2**n, 1, 1, 1.0, 1)) for n in range(1, 5)
    )
    (growth, *_) = json.loads(json_of(replace(TABLE, cells=cells), times=False))["growth"]
    assert growth["fit"]["last"] == {"bound": 4, "told": 1.0}


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.25, "0.25 s"), (90, "90 s"), (7000, "2 h"), (9e5, "10 d")]
)
def test_times_are_told_in_the_largest_unit(seconds: float, told: str) -> None:
    assert lasting(seconds) in (told, {"2 h": "120 min"}.get(told, told))


def test_the_chart_has_a_mark_for_what_came_of_each_cell() -> None:
    drawn = draw(chart(TABLE))
    assert drawn == draw(chart(TABLE))
    assert drawn.count('class="cross"') == 2 * (5 + 5) + 2  # two strokes each, and one in the key
    assert "LOCK=yes: states grow x7 each time N grows by one, measured within x1.00" in drawn
    assert "unknown: more than that" in drawn
    assert "expected, by the fit" in drawn
    assert "prefers-color-scheme:dark" in drawn


def test_no_text_leaves_its_box_or_the_page() -> None:
    drawing = placed(chart(TABLE))
    texts = [shape for shape in drawing.shapes if isinstance(shape, Text)]
    assert len(texts) > 20
    for shape in texts:
        extent = shape.extent
        assert not shape.whole, shape
        assert 0 <= extent.x < extent.right <= drawing.width, shape
        assert extent.bottom <= drawing.height, shape


def test_lines_differ_without_their_colours() -> None:
    style = draw(chart(TABLE))
    dashes = re.findall(r"\.line\.s\d\{stroke-dasharray:([^}]*)\}", style)
    assert len(set(dashes)) == 5  # and one is solid


def test_a_chart_of_one_value_has_axes() -> None:
    points = (Point(3, 1.0, "holds"),)
    one = Chart("one", "N", (Panel("states", "", (Series("a", "", points),)),))
    assert ">10</text>" in draw(one)


@pytest.mark.parametrize(
    ("exponent", "told"), [(-2, "0.01 s"), (0, "1 s"), (2, "100 s"), (4, "10k s"), (14, "100T s")]
)
def test_powers_are_told_in_few_letters(exponent: int, told: str) -> None:
    assert power(exponent, "s") == told
