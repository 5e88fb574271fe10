"""Reviews: what is asked for, the files that come of it, and what a check notices."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from kmcheck import review
from kmcheck.cli import kmcheck, run
from kmcheck.diagnostics import Source, UsageError
from kmcheck.driver import Options, verify
from kmcheck.review import Pace
from kmcheck.review.bundle import present
from kmcheck.review.check import first_difference
from kmcheck.review.statement import PREDICATE, TYPE
from kmcheck.review.words import cites
from kmcheck.review.written import filled
from kmcheck.verdict import Result as Verified
from tests.browser import CHROMIUM, ask
from tests.language import source
from tests.test_cli import ROOT
from tests.test_formats import JUNIT
from tests.test_sarif import checked

DOC = '"""Counts. Source: mm/slab.c v3.14, kfree() & <b>markup</b>, 0123456789ab."""\n'
SPEC = '''
class G(Object):
    n: Annotated[int, range(99)]
    size: Size

g = G()
COUNT = bound(2, "processes that count")
LOCKED = choice(True, "whether it is one step")

@process
def counts() -> None:
    if LOCKED:
        with atomic("one step"):
            before = g.n
            g.n = before + 1
    else:
        n = g.n
        g.n = n + 1

@setup
def begin() -> None:
    for _ in range(COUNT):
        start(counts)

@conserved
def sizes_stay() -> bool:
    """A <b>law</b> of sizes."""
    return g.size == g.size

@finally_
def all_are_counted() -> bool:
    return g.n == COUNT
'''

PLAN = """
title = "Who counts <script>alert(1)</script>?"
question = "Is it right?\\n\\nAnd why?"
answer = "It depends | on the lock."
assumptions = ["Nobody else counts."]

[[design]]
name = "counting"
spec = "specs/counts.py"
source = "a mail"
about = "Two processes count."

[[design.beside]]
words = "They add <b>one</b>."
source = "the mail"
spec = "counts"

[[design.run]]
shows = "as it stands"

[[design.run]]
shows = "in two steps"
settings = { LOCKED = false }
proposed = true

[design.mutants]

[design.sweep.values]
COUNT = "1..3"
"""


def project(folder: Path) -> Path:
    """Make a project with a spec and the plan of a review; return the review's folder."""
    (folder / "specs").mkdir(parents=True)
    (folder / "specs" / "counts.py").write_text(DOC + source(SPEC).text, "utf-8")
    into = folder / "reviews" / "one"
    into.mkdir(parents=True)
    (into / review.PLAN).write_text(PLAN, "utf-8")
    return into


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(
        kmcheck, ["report", *map(str, arguments), "--progress", "never"], standalone_mode=False
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = project(tmp_path_factory.mktemp("project"))
    ended = invoked(into)
    assert ended.return_value == 0, ended.output
    return into


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent.parent, tmp_path / "project")
    return tmp_path / "project" / "reviews" / "one"


def differing(folder: Path, *, quick: bool = False) -> list[str]:
    return list(review.differences(folder, Pace(), quick=quick))


# --- the files -----------------------------------------------------------------------------------


def test_a_bundle_has_a_page_and_files_for_machines(made: Path) -> None:
    assert present(made) == {
        "report.toml", "index.html", "report.md", "results.json", "results.sarif", "results.xml",
        "necessity.json", "prevention.json", "coverage.json", "sweep.json", "statement.json",
        "sources/specs/counts.py.txt",
        "traces/specs/counts/LOCKED=no/all_are_counted.json",
    }  # fmt: skip


def test_sarif_and_junit_of_a_bundle_are_valid(made: Path) -> None:
    assert checked((made / "results.sarif").read_text("utf-8"))["results"]
    text = (made / "results.xml").read_text("utf-8")
    JUNIT.validate(text)
    assert len(ET.fromstring(text)) == 2  # noqa: S314 - our own


def test_results_name_their_traces_and_hold_no_time(made: Path) -> None:
    told = json.loads((made / "results.json").read_text("utf-8"))
    assert told["volatile"] == {"seconds": 0.0, "peak_bytes": 0}
    traces = {result["trace"] for result in told["results"]} - {None}
    assert traces == {"traces/specs/counts/LOCKED=no/all_are_counted.json"}
    assert all((made / trace).is_file() for trace in traces)


def test_the_statement_is_in_totos_and_names_every_other_file(made: Path) -> None:
    told = json.loads((made / "statement.json").read_text("utf-8"))
    assert (told["_type"], told["predicateType"]) == (TYPE, PREDICATE)
    digests = {one["name"]: one["digest"]["sha256"] for one in told["subject"]}
    assert set(digests) == present(made) - {"statement.json"}
    for name, digest in digests.items():
        assert sha256((made / name).read_bytes()).hexdigest() == digest, name
    assert [one["verdict"] for one in told["predicate"]["verdicts"]] == ["holds", "violated"]


def test_two_runs_from_two_folders_write_the_same_bytes(
    bundle: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: (made / name).read_bytes() for name in present(made)}
    for name in present(bundle) - {review.PLAN}:
        (bundle / name).unlink()
    monkeypatch.chdir(bundle)
    assert invoked(".", "-j", "2").return_value == 0
    assert {name: (bundle / name).read_bytes() for name in present(bundle)} == before


def test_what_an_older_bundle_had_is_taken_away_and_what_is_others_is_not(bundle: Path) -> None:
    (bundle / "notes.txt").write_text("mine", "utf-8")
    plan = PLAN.replace("settings = { LOCKED = false }\n", "")
    (bundle / review.PLAN).write_text(plan, "utf-8")
    ended = invoked(bundle)
    assert "notes.txt is no file of the bundle" in ended.output
    assert (bundle / "notes.txt").exists()
    assert not list(bundle.glob("traces/**/*.json"))


# --- a check -------------------------------------------------------------------------------------


def test_a_check_of_what_was_made_finds_nothing(made: Path) -> None:
    assert differing(made) == []
    ended = invoked(made, "--check", "--quick")
    assert (ended.return_value, ended.output.count("\n")) == (0, 1)
    assert "every file is as statement.json says, and the traces reproduce;" in ended.output
    assert "nothing was verified again" in ended.output


def test_a_check_names_each_file_that_was_tampered_with(bundle: Path) -> None:
    for name in sorted(present(bundle)):
        path = bundle / name
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        found = differing(bundle, quick=name != "statement.json")
        assert any(line.startswith(f"{name}: ") for line in found), name
        path.unlink()
        assert any(line.startswith(name) for line in differing(bundle, quick=True)) or (
            name == review.PLAN
        ), name
        path.write_bytes(before)
    assert differing(bundle, quick=True) == []


def resigned(bundle: Path, name: str, old: str, new: str) -> list[str]:
    """Change a file, and its digest in the statement; return what a check says to that."""
    path, statement = bundle / name, bundle / "statement.json"
    before = path.read_bytes()
    assert old.encode() in before
    path.write_bytes(before.replace(old.encode(), new.encode(), 1))
    was, now = (sha256(text).hexdigest() for text in (before, path.read_bytes()))
    statement.write_text(statement.read_text("utf-8").replace(was, now), "utf-8")
    return differing(bundle)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("results.json", '"violated"', '"holds"'),
        ("necessity.json", '"violated": 1', '"violated": 0'),
        ("index.html", "violated", "holds"),
        ("traces/specs/counts/LOCKED=no/all_are_counted.json", '"number": 2', '"number": 3'),
    ],
)
def test_a_check_verifies_again_and_does_not_trust_digests(
    bundle: Path, name: str, old: str, new: str
) -> None:
    assert any(line.startswith(f"{name}: ") for line in resigned(bundle, name, old, new))


def test_a_check_says_which_spec_has_changed_and_from_which_line_on(bundle: Path) -> None:
    spec = bundle.parent.parent / "specs" / "counts.py"
    spec.write_text(spec.read_text("utf-8") + "# later\n", "utf-8")
    last = spec.read_text("utf-8").count("\n")
    ended = invoked(bundle, "--check", "--quick")
    assert ended.return_value == 1
    assert f"specs/counts.py: is not what was verified, from line {last} on" in ended.output


def test_a_check_says_that_a_primitive_has_changed(bundle: Path) -> None:
    spec = bundle.parent.parent / "specs" / "counts.py"
    imported = "from kmcheck.kernel.slab import kfree\n"
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("from kmcheck", f"{imported}from kmcheck", 1), "utf-8")
    assert invoked(bundle).return_value == 0
    copy = bundle / "sources" / "kmcheck" / "kernel" / "slab.py.txt"
    copy.write_text("older\n" + copy.read_text("utf-8"), "utf-8")
    found = differing(bundle, quick=True)
    assert "kmcheck/kernel/slab.py: is not what was verified, from line 1 on" in found


def test_a_check_reports_what_is_no_spec_any_more(bundle: Path) -> None:
    (bundle.parent.parent / "specs" / "counts.py").write_text("def\n", "utf-8")
    ended = invoked(bundle, "--check")
    assert ended.return_value == 1
    assert "nothing can be verified: specs/counts.py:1:" in ended.output


def test_the_first_line_that_differs_may_be_one_that_is_missing() -> None:
    assert first_difference(b"a\nb", b"a\nc") == 2
    assert first_difference(b"a", b"a\n") == 2


# --- what is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("title", "titel", "it has an unknown key `titel`", "did you mean `title`?"),
        ("shows", "show", "[run] has an unknown key `show`", "did you mean `shows`?"),
        ("LOCKED = false", "LOCKED = 1.5", "[0].run[1].settings['LOCKED']", ""),
        ('spec = "specs', 'spec = "/specs', "`/specs/counts.py` is a place on one machine", ""),
        ('spec = "counts"', 'spec = "count"', "no class or function `count`", "`counts`?"),
        ("LOCKED =", "LOCK =", "no bound or choice `LOCK`", "`LOCKED`?"),
        ('COUNT = "1..3"', "", "the sweep of counting has no values", "values"),
        ('shows = "as it stands"', "proposed = true", "is proposed in several ways", ""),
        ('"specs/counts.py"', '"specs/other.py"', "there is no specs/other.py", ""),
        ("proposed = true", 'prevent = "locks"', "nothing that could be tried", "primitives"),
        ("title = ", "title = [", "cannot read", ""),
    ],
)
def test_a_plan_that_is_wrong_is_refused(
    bundle: Path, old: str, new: str, message: str, hint: str
) -> None:
    assert old in PLAN
    (bundle / review.PLAN).write_text(PLAN.replace(old, new, 1), "utf-8")
    ended = invoked(bundle)
    assert isinstance(ended.exception, UsageError)
    assert message in ended.exception.message
    assert hint in ended.exception.hint


def test_the_plan_in_the_documentation_is_one(bundle: Path) -> None:
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(title = .*?)```", text, re.DOTALL)
    (bundle / review.PLAN).write_text(example, "utf-8")
    plan = review.read(bundle)
    assert plan.design[0].run[0].settings == {"GRACE_PERIOD": False}
    assert plan.design[0].sweep is not None
    assert review.located(ROOT / "docs", plan) == ROOT


def test_specs_alone_are_enough_to_begin_with(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bundle.parent.parent)
    assert invoked("new", "specs/counts.py").return_value == 0
    assert review.read(Path("new")).design[0].spec == "specs/counts.py"
    assert run(["report", "new", "specs/counts.py"]) == 2
    assert "there is a report.toml already" in capsys.readouterr().err
    for wrong in (
        ["report", "empty"],
        ["report", "empty", "--check"],
        ["report", "new", "--quick"],
    ):
        assert run(wrong) == 2
    assert run(["report", "other", "specs/none.py"]) == 2
    assert not Path("other").exists()


def test_a_spec_that_is_violated_begins_a_review_with_what_would_prevent_it(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle.parent.parent)
    text = Path("specs/counts.py").read_text("utf-8").replace("choice(True", "choice(False")
    Path("specs/counts.py").write_text(text, "utf-8")
    assert invoked("new", "specs/counts.py").return_value == 0
    told = Path("new/report.md").read_text("utf-8")
    assert "Mutants tell nothing of a design that does not hold to begin with." in told
    assert "all else holds, with any of these" in told
    assert "- `LOCKED=yes`" in told
    assert "- `mutex_lock(new_mutex) around lines " in told
    tried = json.loads(Path("new/prevention.json").read_text("utf-8"))
    assert {"choices": {"LOCKED": "yes"}, "added": []} in tried[0]["enough"]
    assert not Path("new/necessity.json").exists()


def test_what_a_page_says_to_run_again_has_the_limits_of_the_plan(bundle: Path) -> None:
    limited = PLAN.replace("[design.mutants]", "[design.mutants]\nmax_states = 500")
    limited = limited.replace(
        "[design.sweep.values]", "[design.sweep]\nmax_states = 600\n[design.sweep.values]"
    )
    (bundle / review.PLAN).write_text(limited, "utf-8")
    assert invoked(bundle).return_value == 0
    told = (bundle / "report.md").read_text("utf-8")
    assert "kmcheck mutate specs/counts.py --max-states 500\n" in told
    assert "kmcheck sweep specs/counts.py -D COUNT=1..3 --max-states 600\n" in told
    assert ", with the settings of the spec |" in told


def test_mutants_are_gone_on_with(bundle: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    assert invoked(bundle, "--resume", known).return_value == 0
    outcomes = json.loads(known.read_text("utf-8"))
    assert outcomes
    first = next(iter(outcomes))
    outcomes[first] |= {"told": "taken_from_there"}
    known.write_text(json.dumps(outcomes), "utf-8")
    assert invoked(bundle, "--resume", known).return_value == 0
    assert "taken_from_there" in (bundle / "necessity.json").read_text("utf-8")


def test_nothing_is_written_where_a_search_is_interrupted(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: (bundle / name).read_bytes() for name in present(bundle)}

    def interrupted(spec: Source, options: Options) -> Verified:
        found = verify(spec, options)
        return replace(found, label=replace(found.label, stopped="interrupted"))

    monkeypatch.setattr("kmcheck.review.study.verify", interrupted)
    assert run(["report", str(bundle), "-j", "1"]) == 130
    assert {name: (bundle / name).read_bytes() for name in present(bundle)} == before


def test_nor_where_the_search_for_what_is_covered_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = project(tmp_path)
    plan = PLAN.partition("[design.mutants]")[0].replace(
        'shows = "as it stands"', "settings = { LOCKED = false }"
    )
    (into / review.PLAN).write_text(plan, "utf-8")

    def interrupted(spec: Source, options: Options) -> Verified:
        found = verify(spec, options)
        stopped = "interrupted" if options.every else None  # what is behind the violation
        return replace(found, label=replace(found.label, stopped=stopped))

    monkeypatch.setattr("kmcheck.review.study.verify", interrupted)
    assert run(["report", str(into), "-j", "1"]) == 130
    assert present(into) == {review.PLAN}


# --- the page ------------------------------------------------------------------------------------


class Texts(HTMLParser):
    """Keeps what an HTML page says, and the addresses that it names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said, self.tags, self.addresses = "", [], []  # type: ignore[var-annotated]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.said += data


def test_both_pages_say_what_was_found_and_what_it_rests_on(made: Path) -> None:
    page = Texts((made / "index.html").read_text("utf-8")).said
    mail = (made / "report.md").read_text("utf-8")
    for text in (page, " ".join(mail.split())):
        for said in (
            "Is it right?", "Nobody else counts.", "They add <b>one</b>.", "all_are_counted",
            "in two steps", "LOCKED=no", "A <b>law</b> of sizes.", "for all sizes",
            "sequential consistency", "runs that never end", "kmcheck report --check DIR",
            "kmcheck verify specs/counts.py -D LOCKED=no", "kmcheck mutate specs/counts.py",
            "v3.14", "kfree()", "0123456789ab", "mm/slab.c", "g.n = n + 1", "states grow",
            "other properties are not decided",
        ):  # fmt: skip
            assert said in text, said
    assert "| It" not in mail


def test_paragraphs_for_a_mail_are_filled_and_stay_paragraphs() -> None:
    words = "a line may not begin with a dash " * 2 + "- or a number 1. or it were a list " * 3
    lines = filled(words, "> ").splitlines()
    assert all(len(line) <= 75 and line.startswith("> ") for line in lines)
    assert not any(re.match(r"> ([-+*#>]|\d+[.)])", line) for line in lines)
    told = " ".join(line[2:] for line in lines).replace("\\", "")
    assert told.split() == words.split()
    assert filled("one", "- ") == "- one"


def test_a_page_is_one_file_without_a_script(made: Path) -> None:
    text = (made / "index.html").read_text("utf-8")
    page = Texts(text)
    assert "script" not in page.tags
    assert all(address.startswith(("data:", "#")) for address in page.addresses)
    ids = re.findall(r' id="([^"]+)"', text)
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(ids)
    assert len(ids) == len(set(ids))
    assert "default-src 'none'" in unescape(text)
    assert text.isascii()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [1400, 500])
def test_nothing_on_the_page_leaves_its_box(made: Path, tmp_path: Path, width: int) -> None:
    page = (made / "index.html").read_text("utf-8")
    page = page.replace("; img-src", "; script-src ; img-src", 1)
    body = """
      const wide = document.documentElement.clientWidth;
      const inside = (e) => e.closest("pre, .wide, .picture");
      return [...document.querySelectorAll("body *")]
        .filter((e) => !inside(e) && e.getBoundingClientRect().right > wide + 1)
        .map((e) => e.outerHTML.slice(0, 80));
    """
    assert ask(page, body, tmp_path, width=width) == []


def test_a_text_cites_versions_commits_files_and_symbols() -> None:
    told = "v3.14 and v6.13-rc2, 96f1c58d8534, mm/memcontrol.c: css_tryget(), again v3.14; ab()"
    assert cites(told) == [
        ("kernel versions", "v3.14, v6.13-rc2"),
        ("commits", "96f1c58d8534"),
        ("files", "mm/memcontrol.c"),
        ("symbols", "css_tryget()"),
    ]
    assert cites("lookup() and kfree()", "def lookup() -> None:\n") == [("symbols", "kfree()")]


# --- the reviews of the project ------------------------------------------------------------------


REVIEWS = sorted(plan.parent for plan in (ROOT / "docs" / "reviews").glob(f"*/{review.PLAN}"))


@pytest.mark.parametrize("folder", REVIEWS, ids=lambda path: path.name)
def test_a_review_of_the_project_is_of_the_specs_as_they_are(folder: Path) -> None:
    assert list(review.current(folder)) == []
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 4e6
