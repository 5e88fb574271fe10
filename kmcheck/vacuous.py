"""What a result is silent about: properties that were never asked for, code that was never run."""

from __future__ import annotations

from kmcheck.verdict import Label, Result


def vacuous(result: Result) -> str:
    """Return which properties, and which parts of them, were never asked for, a line each."""
    told = [f"{', '.join(result.vacuous)}: never asked for"] if result.vacuous else []
    told += [
        f"{u.property}: {u.span.where} `{u.span.text}` is never looked at" for u in result.unmet
    ]
    return "\n".join(told)


def unexercised(label: Label) -> str:
    """Return what was never run, a line each."""
    places = [f"{u.span.where} {_arm(u.what, u.span.text)}" for u in label.statistics.unexercised]
    return "\n".join(places)


def _arm(what: str, text: str) -> str:
    return f"`{text}`" if what == "step" else f"`{text.rstrip(':')}` {what}"
