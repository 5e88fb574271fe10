"""Results as one JSON document, as docs/verify.schema.json says. What varies is in `volatile`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kmcheck.again import again
from kmcheck.diagnostics import Diagnostic
from kmcheck.protocols import Format, FormatOptions, Told
from kmcheck.verdict import Holds, Label, Result, Unknown, Verdict, Violated

SCHEMA_VERSION = 1


class Json:
    """The format on the shelf."""

    name = "json"

    def render(self, told: Sequence[Told], options: FormatOptions) -> str:
        """Return the document; it is the same, however much a person wants to read."""
        del options
        results = [t.result for t in told]
        content = {
            "schema_version": SCHEMA_VERSION,
            "results": [
                _verdict(t.result.label, v, t.files) for t in told for v in t.result.verdicts
            ],
            "label": [_label(r) for r in results],
            "volatile": {
                "seconds": round(sum(r.seconds for r in results), 3),
                "peak_bytes": max((r.peak_bytes for r in results), default=0),
            },
        }
        return json.dumps(content, indent=1) + "\n"

    def refuse(self, diagnostics: Sequence[Diagnostic]) -> str:
        """Return nothing: a document has results."""
        del diagnostics
        return ""


def _verdict(label: Label, verdict: Verdict, files: Mapping[str, str]) -> dict[str, Any]:
    trace = verdict.trace if isinstance(verdict, Violated) else None
    shortest = verdict.shortest if isinstance(verdict, Violated) else None
    word = "violated" if trace else "unknown" if isinstance(verdict, Unknown) else "holds"
    return {
        "spec": label.spec,
        "choices": dict(label.choices),
        "bounds": dict(label.bounds),
        "property": verdict.property,
        "verdict": word,
        "violation": trace.violation.kind if trace else None,
        "message": trace.violation.message
        if trace
        else verdict.why
        if isinstance(verdict, Unknown)
        else None,
        "trace": files.get(verdict.property),
        "steps": len(trace.events) if trace else None,
        "shortest": shortest,
        "loop_at": trace.loop_at if trace else None,
        "omission": (verdict.omission or None) if isinstance(verdict, Holds) else None,
    }


def _label(result: Result) -> dict[str, Any]:
    label = result.label
    seen = label.statistics
    return {
        "spec": label.spec,
        "path": label.path,
        "choices": dict(label.choices),
        "bounds": dict(label.bounds),
        "engine": label.engine,
        "reductions": list(label.reductions),
        "left_out": list(label.left_out),
        "audit": label.audit or None,
        "exact": label.exact,
        "omission": label.omission,
        "memory_model": label.memory_model,
        "fairness": label.fairness or None,
        "states": seen.states,
        "transitions": seen.transitions,
        "depth": seen.depth,
        "terminal_states": seen.terminal_states,
        "closed": label.closed,
        "stopped": label.ended or None,
        "checkpoint": seen.checkpoint or None,
        "multiplied": [
            {"by": m.name, "factor": round(m.factor, 3)}
            for m in (seen.multiplied.by if label.stopped else ())
        ],
        "sampled": seen.multiplied.sample,
        "unexercised": [{"what": u.what, "where": u.span.where} for u in seen.unexercised],
        "vacuous": list(result.vacuous),
        "unmet": [
            {"property": u.property, "what": u.span.text, "where": u.span.where}
            for u in result.unmet
        ],
        "bound_reached": list(seen.bound_reached),
        "solver_queries": label.solver_queries,
        "solver_stood_for": label.solver_stood_for,
        "spec_digest": label.digest,
        "version": label.version,
        "again": " ".join(again(label)),
    }


FORMAT: Format = Json()
