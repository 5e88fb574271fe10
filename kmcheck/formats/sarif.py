"""Results as SARIF 2.1.0, for code scanning and editors: a violation has a thread flow per process.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html has what the words mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kmcheck import __version__, shelf
from kmcheck.diagnostics import Diagnostic
from kmcheck.explain import comment, explain, failing_place, in_library, plain, spec_place
from kmcheck.protocols import Format, FormatOptions, Renderer, RenderOptions, Told
from kmcheck.trace import Event, Place, Trace
from kmcheck.verdict import Holds, Label, Unknown, Verdict, Violated
from kmcheck.violations import meaning, sentence

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

LIBRARY = "KMCHECK"
"""Of the primitives' files: they are in no folder that a reader of the log has for certain."""

Json = dict[str, Any]


class Sarif:
    """The format on the shelf."""

    name = "sarif"

    def render(self, told: Sequence[Told], options: FormatOptions) -> str:
        """Return the log: a rule for each property, a result for each verdict."""
        rules: dict[str, Json] = {}
        results = [_result(t, v, rules, options) for t in told for v in t.result.verdicts]
        return _log(rules, results, _invocation([t.result.label for t in told]))

    def refuse(self, diagnostics: Sequence[Diagnostic]) -> str:
        """Return the log of specs that are wrong: a result for each diagnostic."""
        rules: dict[str, Json] = {}
        results = [_refusal(diagnostic, rules) for diagnostic in diagnostics]
        return _log(
            rules, results, {"executionSuccessful": all(d.severity != "error" for d in diagnostics)}
        )


def _log(rules: dict[str, Json], results: list[Json], invocation: Json) -> str:
    driver = {"name": "kmcheck", "version": __version__, "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {LIBRARY: {"description": {"text": "where kmcheck is installed"}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _invocation(labels: Sequence[Label]) -> Json:
    """Say what ended before its time: a verdict that is missing is none that is good.

    A search that ends at a violation has done what was asked of it, and has not seen all.
    """
    notes = [
        {
            "level": "warning" if label.stopped else "note",
            "message": {"text": f"{label.spec}: not all was explored: {label.ended}"},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(label.path)}}],
        }
        for label in labels
        if label.ended
    ]
    successful = not any(label.stopped for label in labels)
    return {"executionSuccessful": successful, "toolExecutionNotifications": notes}


# --- rules ---------------------------------------------------------------------------------------


def _rule(label: Label, name: str, rules: dict[str, Json]) -> tuple[str, int]:
    """Return a rule's id and number, and have it among the rules."""
    run = "The code flow is a run of the model that ends so. It was confirmed by a replay."
    if name in label.properties:
        about = f"The property {name}, which {label.spec} states, does not hold."
        return _known(f"{label.spec}/{name}", about, run, rules)
    return _known(name, meaning(name), run, rules)


def _known(rule: str, about: str, more: str, rules: dict[str, Json]) -> tuple[str, int]:
    rules.setdefault(
        rule,
        {
            "id": rule,
            "shortDescription": {"text": about},
            "fullDescription": {"text": about},
            "help": {"text": f"{about}\n\n{more}", "markdown": f"{about}\n\n{more}"},
            "defaultConfiguration": {"level": "error"},
        },
    )
    return rule, list(rules).index(rule)


# --- results -------------------------------------------------------------------------------------


def _result(told: Told, verdict: Verdict, rules: dict[str, Json], options: FormatOptions) -> Json:
    label = told.result.label
    rule, index = _rule(label, verdict.property, rules)
    result: Json = {"ruleId": rule, "ruleIndex": index}
    match verdict:
        case Violated(trace=trace):
            result |= {"kind": "fail", "level": "error", **_violation(trace, options)}
            result["properties"] = {"steps": len(trace.events), "shortest": verdict.shortest}
            result["partialFingerprints"] = {"kmcheck/v1": _fingerprint(label, trace)}
        case Unknown(why=why):  # SARIF wants `none` where nothing has failed
            result |= {"kind": "open", "level": "none"}
            result["message"] = {"text": f"Not decided: {why}."}
        case Holds():
            result |= {"kind": "pass", "level": "none"}
            result["message"] = {"text": _holding(label, verdict)}
    result.setdefault("locations", [_location(Place(label.path, 0, 0, ""))])
    file = told.files.get(verdict.property)
    result.setdefault("properties", {}).update(
        {
            "spec": label.spec,
            "specDigest": label.digest,
            "bounds": dict(label.bounds),
            "choices": dict(label.choices),
            **({"trace": Path(file).as_posix()} if file else {}),
        }
    )
    return result


def _holding(label: Label, verdict: Holds) -> str:
    seen = label.statistics
    if not seen.judged.get(verdict.property, 1):
        return f"Holds, vacuously: it was never asked for in {seen.states:,} states."
    up_to = f" up to hash omission (p <= {verdict.omission:.1e})" if verdict.omission else ""
    return f"Holds within the bounds{up_to}: {seen.states:,} states were explored."


def _violation(trace: Trace, options: FormatOptions) -> Json:
    renderer: Renderer = shelf.take("render", "columns", "RENDERER")
    table = str(renderer.render(trace, RenderOptions(full=options.full))).rstrip("\n")
    wrong = sentence(trace.violation)
    at = failing_place(trace) or Place(trace.path, 0, 0, "")
    found: Json = {
        "message": {
            "text": f"{wrong}\n\n{table}",
            "markdown": f"{wrong}\n\n```\n{table}\n```",
        },
        "locations": [_location(at)],
    }
    related = [
        _location(place, what) | {"id": number}
        for number, (what, place) in enumerate(_related(trace, at), start=1)
    ]
    if related:
        found["relatedLocations"] = related
    if trace.events:
        found["codeFlows"] = [{"message": {"text": _shape(trace)}, "threadFlows": [*_flows(trace)]}]
    return found


def _related(trace: Trace, at: Place) -> Iterator[tuple[str, Place]]:
    """Yield the other places that a violation speaks of: the property, the pointer, the free."""
    wrong = trace.violation
    if wrong.place is not None and wrong.place.path == trace.path and wrong.place != at:
        yield "what does not hold", wrong.place
    for what, number in (("the pointer comes from here", wrong.source), ("cause", wrong.cause)):
        event = next((e for e in trace.events if e.number == number), None)
        if event is not None:
            yield f"{what}: step {event.number}, {event.process}", spec_place(event)


def _shape(trace: Trace) -> str:
    steps = f"{len(trace.events)} steps"
    if trace.loop_at is None:
        return steps
    if trace.loop_at == len(trace.events):
        return f"{steps}, then it rests for ever"
    return f"{steps}; from number {trace.loop_at + 1} on, again and again"


def _flows(trace: Trace) -> Iterator[Json]:
    """Yield a thread flow for each process that takes steps, in the order in which they begin."""
    essential = {trace.events[index].number for row in explain(trace).rows for index in row.events}
    for process in dict.fromkeys(event.process for event in trace.events):
        own = [event for event in trace.events if event.process == process]
        entry = own[0].frames[0] if own[0].frames else None
        called = f"{entry.function}({', '.join(entry.arguments)})" if entry else process
        yield {
            "id": process,
            "message": {"text": plain(called)},
            "locations": [_step(event, essential=event.number in essential) for event in own],
        }


def _step(event: Event, *, essential: bool) -> Json:
    text = f"{plain(event.text)}  {comment(event.note)}".strip()
    return {
        "location": _location(spec_place(event), f"{event.number} {event.process}: {text}"),
        "executionOrder": event.number,
        "nestingLevel": max(0, len(event.frames) - 1),
        "importance": "essential" if essential else "unimportant",
    }


def _fingerprint(label: Label, trace: Trace) -> str:
    """Return what stays when lines move: the spec, its settings, what is violated, and where."""
    at = failing_place(trace)
    known = [label.spec, *map("=".join, label.changed), trace.violation.kind, at.text if at else ""]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _refusal(diagnostic: Diagnostic, rules: dict[str, Json]) -> Json:
    code, span = diagnostic.code, diagnostic.span
    about = (
        "The spec is not well-formed, so that nothing can be said of the design."
        if diagnostic.severity == "error"
        else "The spec means something, but hardly what was meant."
    )
    cure = f"The page of errors has the causes of {code}, and what to write instead."
    rule, index = _known(code, about, cure, rules)
    more = "".join(f" ({part})" for part in (diagnostic.label, diagnostic.hint) if part)
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "kind": "fail",
        "level": diagnostic.severity,
        "message": {"text": f"{diagnostic.title}{more}"},
        "locations": [_location(Place(span.source.path, span.line, span.column, span.text))],
    }


# --- places --------------------------------------------------------------------------------------


def _location(place: Place, message: str = "") -> Json:
    base = {"uriBaseId": LIBRARY} if in_library(place) else {}
    physical: Json = {"artifactLocation": {**_artifact(place.path), **base}}
    if place.line > 0:
        region: Json = {"startLine": place.line, "startColumn": max(1, place.column)}
        if place.text:
            region["endColumn"] = region["startColumn"] + len(place.text)
            region["snippet"] = {"text": place.text}
        physical["region"] = region
    return {"physicalLocation": physical, **({"message": {"text": message}} if message else {})}


def _artifact(path: str) -> Mapping[str, str]:
    """Return a file's name as a URI; it is relative wherever the file is below this folder."""
    named = Path(path)
    if named.is_absolute():
        if not named.is_relative_to(Path.cwd()):
            return {"uri": named.as_uri()}
        named = named.relative_to(Path.cwd())
    return {"uri": quote(named.as_posix())}


FORMAT: Format = Sarif()
