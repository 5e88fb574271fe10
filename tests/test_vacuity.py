"""Vacuity: a property that holds because what it asks is never come to is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kmcheck.cli import kmcheck
from kmcheck.driver import Options, verify
from kmcheck.formats.text import label_lines
from kmcheck.frontend import read
from kmcheck.verdict import WITHOUT, Budget, Checkpoints, Result
from tests.language import source

SPEC = """
class Page(Object, limit=2):
    n: Annotated[int, range(5)]
    dead: bool

class G(Object):
    n: Annotated[int, range(5)]
    never: bool
    pages: SetOf[Page]

g = G()

@process
def counts() -> None:
    g.n = 1
    g.n = 2
    page = Page()
    g.pages.add(page)
    page.n = 3

@setup
def begin() -> None:
    start(counts)

{property}
"""

ENGINES = [
    Options(engine="native", without=WITHOUT),
    Options(engine="native"),
    Options(engine="reference", without=WITHOUT),
    Options(),
]


def verified(law: str, options: Options, mark: str = "@always") -> Result:
    body = law if law.startswith("def") else f"def law() -> bool:\n    {law}\n"
    return verify(source(SPEC.replace("{property}", f"{mark}\n{body}")), options)


def unmet(law: str, options: Options, mark: str = "@always") -> list[str]:
    return [u.span.text for u in verified(law, options, mark).unmet]


LAWS = {
    "return not g.never or g.n == 7": ["g.n == 7"],
    "return not g.n == 2 or g.n != 1": [],
    "return g.n < 5 or g.n == 7 or g.never": ["g.never"],
    "if not g.never:\n        return True\n    return g.n == 7": ["g.n == 7"],
    "if g.n == 2:\n        return True\n    return not g.never": [],
    "return g.n == 7 if g.never else g.n < 3": ["g.n == 7"],
    "return (not g.never or g.n == 7) and (g.n < 3 or g.n == 4)": ["g.n == 7", "g.n == 4"],
    "return not g.never or (g.n == 1 or g.n == 7)": ["g.n == 1 or g.n == 7"],
    "return all(p.n < 4 for p in alive(Page))": [],
    "return all(p.n < 4 for p in alive(Page) if p.dead)": [
        "all(p.n < 4 for p in alive(Page) if p.dead)"
    ],
    "return all(not p.dead or p.n == 2 for p in g.pages)": ["p.n == 2"],
    "return all(p.n != 3 or not p.dead for p in g.pages)": [],
    "def law(p: Page) -> bool:\n    return not p.dead or p.n == 2\n": ["p.n == 2"],
    "def law(p: Page) -> bool:\n    return p.n != 3 or not p.dead\n": [],
}


@pytest.mark.parametrize("law", LAWS)
def test_what_a_property_never_comes_to_is_told_by_every_engine(law: str) -> None:
    for options in ENGINES:
        assert unmet(law, options) == LAWS[law], options


@pytest.mark.parametrize("mark", ["@finally_", "@step"])
def test_so_it_is_of_what_is_asked_at_other_times(mark: str) -> None:
    for options in ENGINES:
        assert unmet("return not g.never or g.n == 7", options, mark) == ["g.n == 7"]
        assert unmet("return g.n != 2 or not g.never", options, mark) == []


def test_a_step_is_asked_with_the_state_before_it() -> None:
    for options in ENGINES:
        law = "return before(g.n) != 1 or g.n in (1, 2)"
        assert unmet(law.replace("g.n in (1, 2)", "g.n != 0"), options, "@step") == []


def test_a_property_that_does_not_hold_is_not_vacuous() -> None:
    result = verified("return not g.never or g.n == 7", Options(budget=Budget(depth=1)))
    assert result.outcome == "unknown"
    assert result.unmet == ()
    assert result.label.statistics.unmet
    assert verified("return g.n != 2 or g.never", Options()).unmet == ()


def test_a_property_that_was_never_asked_for_is_told_as_that() -> None:
    result = verified("def law(p: Page) -> bool:\n    return not p.dead or p.n == 2\n", Options())
    assert result.unmet
    text = SPEC.replace(
        "{property}", "@always\ndef law(l: Lost) -> bool:\n    return not l.a or l.b\n"
    )
    text = text.replace("class G(", "class Lost(Object):\n    a: bool\n    b: bool\n\nclass G(")
    result = verify(source(text), Options())
    assert result.unmet == ()
    assert result.label.statistics.judged["law"] == 0


def test_the_label_and_json_say_so_and_strict_fails(tmp_path: Path) -> None:
    law = "@always\ndef law() -> bool:\n    return not g.never or g.n == 7\n"
    path = tmp_path / "spec.py"
    path.write_text(source(SPEC.replace("{property}", law)).text)
    result = verify(read(str(path)), Options())
    told = " ".join(" ".join(label_lines(result)).split())
    assert "vacuous law: " in told
    assert "`g.n == 7` is never looked at" in told
    run = CliRunner().invoke(kmcheck, ["verify", str(path), "--strict", "--format=json"])
    assert run.exit_code in (0, 1)  # standalone: the group returns what the verb did
    (label,) = json.loads(run.stdout)["label"]
    assert label["unmet"][0]["property"] == "law"
    assert label["unmet"][0]["what"] == "g.n == 7"
    assert "--strict: 1 vacuous" in run.stderr


def test_a_search_that_goes_on_remembers_what_was_looked_at(tmp_path: Path) -> None:
    law = "return g.n != 1 or not g.never"
    kept = str(tmp_path / "kept")
    first = Options(engine="native", budget=Budget(depth=3, checkpoints=Checkpoints(keep=kept)))
    assert verified(law, first).outcome == "unknown"
    on = Options(engine="native", budget=Budget(checkpoints=Checkpoints(resume=kept)))
    result = verified(law, on)
    assert result.outcome == "holds"
    assert result.unmet == ()
    whole = verified(law, Options(engine="native")).label.statistics
    assert result.label.statistics.exercised == whole.exercised


def test_only_what_was_asked_for_is_vacuous_whatever_is_reduced(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    law = "@always\ndef law(l: Lost) -> bool:\n    return not l.a\n"
    lost = "class Lost(Object):\n    a: bool\n\nclass G("
    text = SPEC.replace("{property}", law).replace("class G(", lost)
    path.write_text(source(text).text)
    for less in ([], ["--no-reduce", "all"]):
        for name, vacuous in (("deadlock", []), ("law", ["law"])):
            command = ["verify", str(path), "--strict", "--format=json", "-p", name, *less]
            run = CliRunner().invoke(kmcheck, command, standalone_mode=False)
            (label,) = json.loads(run.stdout)["label"]
            assert label["vacuous"] == vacuous
            assert ("vacuous" in run.stderr, run.return_value) == (bool(vacuous), len(vacuous))
            plain = CliRunner().invoke(kmcheck, ["verify", str(path), "-p", name, *less])
            assert ("never asked for" in plain.stdout) == bool(vacuous)
