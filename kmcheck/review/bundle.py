"""The files of a review, for people and for machines: the same plan and specs, the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from kmcheck import evidence, shelf, store
from kmcheck.diagnostics import Source, UsageError
from kmcheck.necessity import order, summary
from kmcheck.prevention import document
from kmcheck.protocols import Format, FormatOptions, Told
from kmcheck.review.page import review
from kmcheck.review.plan import PLAN, Plan
from kmcheck.review.statement import NAME, statement, subjects
from kmcheck.review.study import Pace, Ran, Studied, Study, study
from kmcheck.review.written import html, markdown
from kmcheck.sweep.tables import json_of
from kmcheck.trace import Trace

FORMATS = {"results.json": "json", "results.sarif": "sarif", "results.xml": "junit"}
SOURCES, TRACES = "sources", "traces"
"""Folders of a bundle. Copies of specs are named as text: no tool is to take them for specs."""


def build(folder: Path, plan: Plan, pace: Pace) -> dict[str, bytes]:
    """Verify all that a plan asks for, and return the files that tell of it, by name.

    Raises:
        SpecError: a spec is wrong.
        UsageError: the plan asks for what is not there.
    """
    found = study(plan, pace)
    files = {PLAN: (folder / PLAN).read_bytes(), **_sources(found)}
    traces: dict[Trace, str] = {}
    told = []
    for one in found.designs:
        for ran in one.runs:
            own = dict(_stored(ran, files))
            traces |= {v.trace: own[v.property] for v in ran.violated}
            told.append(Told(ran.result, own))
    for name, form in FORMATS.items():
        written: Format = shelf.take("formats", form, "FORMAT")
        files[name] = _packed(name, written.render(told, FormatOptions())).encode()
    files |= {name: _json(parts) for name, parts in _tables(found) if parts}
    page = review(found, traces)
    files["index.html"] = html(page, sorted(files)).encode()
    files["report.md"] = markdown(page, sorted(files)).encode()
    files[NAME] = statement(found, files)
    return files


def _packed(name: str, text: str) -> str:
    """Return JSON without what indents it: programs read it, and it is most of a bundle."""
    if name.endswith(".xml"):
        return text
    return json.dumps(json.loads(text), separators=(",", ":")) + "\n"


def copies(sources: tuple[Source, ...]) -> dict[str, bytes]:
    """Return the files of a spec and of all that it imports, under their names in a bundle."""
    return {f"{SOURCES}/{source.path}.txt": source.text.encode() for source in sources}


def _sources(found: Study) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for one in found.designs:
        files |= copies(one.runs[0].program.sources)
    return files


def _stored(ran: Ran, files: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """Put the traces of a run among the files; yield the name of each, by what it violates."""
    label = ran.result.label
    for violated in ran.violated:
        into = evidence.folder(Path(TRACES), label.spec, label.changed)
        text = store.write(violated.trace).encode()
        name = (into / f"{violated.property}.json").as_posix()
        number = 1
        while files.setdefault(name, text) != text:  # another run of the same settings
            number += 1
            name = (into / f"{violated.property}-{number}.json").as_posix()
        yield violated.property, name


def _tables(found: Study) -> Iterator[tuple[str, list[object]]]:
    yield "necessity.json", [_necessity(one) for one in found.designs if one.necessity]
    prevented: list[object] = [
        document(ran.prevention) for one in found.designs for ran in one.runs if ran.prevention
    ]
    yield "prevention.json", prevented
    yield "coverage.json", [_coverage(one) for one in found.designs]
    yield "sweep.json", [_sweep(one) for one in found.designs if one.sweep]


def _json(parts: list[object]) -> bytes:
    return (json.dumps(parts, indent=1) + "\n").encode()


def _necessity(one: Studied) -> object:
    assert one.necessity is not None
    mutants = [asdict(outcome) for outcome in order(one.necessity.outcomes)]
    return {**summary(one.necessity), "mutants": mutants}


def _coverage(one: Studied) -> object:
    found = one.coverage
    return {
        "spec": found.label.spec,
        "digest": found.label.digest,
        "settings": dict(found.label.changed),
        "stopped": found.stopped or None,
        "counts": {what: asdict(count) for what, count in found.counts.items()},
        "library": {module: asdict(count) for module, count in found.library.items()},
        "uncovered": [{"path": path, **asdict(line)} for path, line in found.uncovered],
    }


def _sweep(one: Studied) -> object:
    assert one.sweep is not None
    told = json.loads(json_of(one.sweep, times=False))
    del told["volatile"]
    return told


def write(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Write a bundle, and take away what an older one had besides; return what is left of others'.

    Raises:
        UsageError: a file cannot be written.
    """
    try:
        for name in _old(folder) - set(files):
            (folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or folder}: {error.strerror}") from None
    return sorted(present(folder) - set(files))


def _old(folder: Path) -> set[str]:
    """Return the files of the bundle that is there, as its statement names them."""
    try:
        named = subjects((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return set()
    return set(named) & present(folder)


def present(folder: Path) -> set[str]:
    """Return the names of all files in a folder, and in those below."""
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
