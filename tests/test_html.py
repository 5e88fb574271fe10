"""The page of all pictures: it fetches nothing, is gone through by keys, and nothing is cut off."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings

from kmcheck.explain import explain
from kmcheck.protocols import RenderOptions
from kmcheck.render.html import RENDERER
from kmcheck.render.html.steps import steps
from kmcheck.store import read
from kmcheck.trace import Trace
from tests.browser import CHROMIUM, ask
from tests.runs import RUNS
from tests.strategies import traces

COUNTEREXAMPLES = Path(__file__).parent.parent / "counterexamples"

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

WHERE = 'document.querySelector("#at").textContent'
SHOWN = """
const shown = (selector) => all(selector).filter((e) => e.checkVisibility()).length;
const at = document.querySelector(".step.here");
const about = all(".stack g.here").map((row) => row.dataset.steps);
"""


def page(run: str, *, full: bool = False) -> str:
    drawn = RENDERER.render(RUNS[run](), RenderOptions(full=full))
    assert isinstance(drawn, str)
    return drawn


class Tags(HTMLParser):
    """All tags of a page with their attributes, and whether they are closed in order."""

    VOID = frozenset({"meta", "img", "input", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_tags_are_closed_and_ids_are_there_once() -> None:
    tags = Tags(page("spins_for_ever"))
    assert tags.open == []
    ids = [found["id"] for _, found in tags.found if "id" in found]
    assert len(ids) == len(set(ids))
    assert {f"step={number}" for number in range(6)} <= set(ids)


@pytest.mark.parametrize("run", RUNS)
def test_a_page_names_nothing_outside_of_itself(run: str) -> None:
    for tag, found in Tags(page(run)).found:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert not {"style", "srcset", "action"} & found.keys()
        assert [name for name in found if name.startswith("on")] == []
        if "src" in found:
            assert found["src"].startswith("data:image/svg+xml;base64,")
            drawn = b64decode(found["src"].partition(",")[2]).decode()
            ET.fromstring(drawn)  # noqa: S314 - of our own making
            assert set(re.findall(r"https?://[^\"]*", drawn)) <= {
                "http://www.w3.org/2000/svg",
                "http://www.w3.org/1999/xlink",
            }
        if "href" in found:
            assert re.fullmatch(r"#step=\d+", found["href"])


def test_the_policy_allows_one_style_and_one_script() -> None:
    tags = Tags(page("no_read_lock")).found
    policy = next(found["content"] for _, found in tags if "http-equiv" in found)
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed.keys() == {
        "default-src", "img-src", "base-uri", "form-action", "style-src", "script-src",
    }  # fmt: skip
    assert allowed["default-src"] == allowed["base-uri"] == allowed["form-action"] == "'none'"
    assert allowed["img-src"] == "data:"
    for name in ("style-src", "script-src"):
        assert re.fullmatch(r"'sha256-[\w+/]{43}='", allowed[name])


def test_whoever_does_not_see_the_page_is_told_what_is_there() -> None:
    tags = Tags(page("no_read_lock")).found
    assert ("html", {"lang": "en"}) in tags
    assert sum(tag == "h1" for tag, _ in tags) == 1
    assert all(found["alt"] for tag, found in tags if tag == "img")
    assert all(found["aria-label"] for tag, found in tags if tag in {"section", "input"})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(trace=traces())
def test_no_trace_is_too_odd_for_a_page(trace: Trace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.which", lambda _: None)
        drawn = RENDERER.render(trace, RenderOptions())
    assert isinstance(drawn, str)
    assert drawn.isascii()
    assert drawn.endswith("</html>\n")
    assert Tags(drawn).open == []


def test_without_dot_the_page_says_why_there_is_no_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    drawn = page("no_read_lock")
    assert "No heap: Graphviz's dot was not installed" in drawn
    assert 'class="frame"' not in drawn


def test_each_step_has_the_frame_of_the_state_behind_it() -> None:
    found = steps(explain(RUNS["spins_for_ever"]()))
    assert [(step.number, step.frame) for step in found] == [
        (0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 2),
    ]  # fmt: skip


def test_steps_that_the_diagram_leaves_out_are_told_and_marked() -> None:
    short, whole = (explain(RUNS["resurrected"](), full=full) for full in (False, True))
    assert [step.number for step in steps(short)] == [step.number for step in steps(whole)]
    assert not all(step.drawn for step in steps(short))
    assert all(step.drawn for step in steps(whole))


# --- in a browser -----------------------------------------------------------------------------


@in_chromium
def test_keys_step_through_the_run(tmp_path: Path) -> None:
    keys = ["Home", "ArrowLeft", "ArrowRight", "j", "k", "End", "ArrowRight", "k", "x"]
    body = f"""
      const found = [{WHERE}];
      for (const key of {keys}) {{ press(key); found.push({WHERE}); }}
      return [found, location.hash];
    """
    last = len(RUNS["no_read_lock"]().events)
    found, address = ask(page("no_read_lock"), body, tmp_path)
    end, before = f"step {last} of {last}", f"step {last - 1} of {last}"
    one, two = f"step 1 of {last}", f"step 2 of {last}"
    assert found == [end, "at first", "at first", one, two, one, end, end, before, before]
    assert address == f"#step={last - 1}"


@in_chromium
def test_an_address_leads_to_its_step_and_shows_it_everywhere(tmp_path: Path) -> None:
    body = f"""{SHOWN}
      press("3");
      return [{WHERE}, at.getAttribute("aria-current"), about, shown(".frame"), shown(".more"),
        shown("#table"), all(".line.here").map((line) => line.textContent.trim().split(" ")[0])];
    """
    found = ask(page("spins_for_ever"), body, tmp_path, address="#step=2")
    assert found == ["step 2 of 5", "step", ["2"], 1, 1, 1, ["2", "2"]]


@in_chromium
def test_a_step_of_a_long_run_is_brought_into_sight(tmp_path: Path) -> None:
    stored = COUNTEREXAMPLES / "kmemcg/dangling_caches/UNLIST=no/use-after-free.json"
    drawn = RENDERER.render(read(stored.read_text("utf-8")), RenderOptions(full=True))
    body = """
      const sight = (e, top) => {
        const box = e.getBoundingClientRect();
        return box.top >= top && box.bottom <= window.innerHeight;
      };
      const top = document.querySelector("header").getBoundingClientRect().bottom;
      const both = () => [".stack g.here", ".step.here"].map((name) =>
        sight(document.querySelector(name), top));
      const found = both();
      for (const key of ["k", "End"]) { press(key); found.push(...both()); }
      press("Home");
      return [...found, window.scrollY === 0];
    """
    found = ask(str(drawn), body, tmp_path, address="#step=60")
    assert found == [True] * 7


@in_chromium
def test_behind_its_end_a_round_begins_again(tmp_path: Path) -> None:
    body = f'press("ArrowRight"); return {WHERE};'
    assert ask(page("spins_for_ever"), body, tmp_path) == "step 4 of 5, again"
    assert ask(page("wake_up_lost"), body, tmp_path) == "step 3 of 3"


@in_chromium
def test_a_search_leaves_the_steps_that_have_all_words(tmp_path: Path) -> None:
    body = f"""{SHOWN}
      const box = document.querySelector("#search");
      const type = (text) => {{ box.value = text; box.dispatchEvent(new Event("input")); }};
      press("/");
      const focused = document.activeElement === box;
      type("DYING true");
      const found = [all(".step:not(.hidden)").map((step) => step.dataset.frame).length,
        document.querySelector("#found").textContent];
      press("Home"); press("Enter", box);
      const to = {WHERE};
      press("Escape", box);
      return [focused, ...found, to, shown(".step"), document.querySelector("#found").textContent];
    """
    trace = RUNS["spins_for_ever"]()
    drawn = RENDERER.render(trace, RenderOptions())
    found = ask(str(drawn), body, tmp_path)
    assert found == [True, 1, "1 of 5 steps", "step 2 of 5", 6, ""]


OUTSIDE = """
const boxes = all("h1, p, button, output, kbd, .step a, .told, .round, .lines li, .why p");
return [
  boxes.filter((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
    .map((e) => e.textContent),
  boxes.filter((e) => {
    const box = e.getBoundingClientRect();
    return e.checkVisibility() && (box.left < 0 || box.right > window.innerWidth + 1);
  }).map((e) => e.textContent),
  document.documentElement.scrollWidth <= window.innerWidth,
  performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith("data:")),
];
"""


@in_chromium
@pytest.mark.parametrize("width", [1600, 1000, 520])
def test_no_text_leaves_its_box(width: int, tmp_path: Path) -> None:
    trace = RUNS["no_read_lock"]()
    long = replace(trace.events[0], text="x" * 150 + "->" + "y" * 90, note="z" * 120)
    trace = replace(trace, events=(long, *trace.events[1:]), settings=(("A" * 90, "b" * 90),))
    drawn = str(RENDERER.render(trace, RenderOptions()))
    assert ask(drawn, OUTSIDE, tmp_path, width=width) == [[], [], True, []]


@in_chromium
@pytest.mark.parametrize("run", ["spins_for_ever", "two_mutexes", "broken_from_the_start"])
def test_what_is_marked_lies_on_the_diagram_at_any_width(run: str, tmp_path: Path) -> None:
    body = """
      const [image, marks] = ["img", "svg"].map((name) =>
        document.querySelector(`.stack ${name}`).getBoundingClientRect());
      const scale = image.width / document.querySelector(".stack svg").viewBox.baseVal.width;
      const off = ["x", "y", "width", "height"].map((side) => Math.abs(image[side] - marks[side]));
      return [Math.max(...off) < 0.6, scale > 0.7, scale < 1.01];
    """
    for width in (1600, 900, 520):
        folder = tmp_path / str(width)
        folder.mkdir()
        assert ask(page(run), body, folder, width=width) == [True, True, True]


@in_chromium
def test_a_page_is_readable_without_its_script(tmp_path: Path) -> None:
    body = f"""{SHOWN}
      return [shown(".more") === all(".more").length, shown(".frame"), shown("#table")];
    """
    drawn = re.sub(r"<script>.*?</script>", "", page("spins_for_ever"), flags=re.DOTALL)
    assert ask(drawn, body, tmp_path) == [True, 3, 1]
