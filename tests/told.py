"""Runs of small specs, and the table that is drawn of them."""

from __future__ import annotations

import re

from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.protocols import RenderOptions
from kmcheck.render.columns import RENDERER
from kmcheck.trace import Trace
from kmcheck.verdict import Violated


def traced(text: str, violation: str = "") -> Trace:
    result = verify(Source("spec.py", text), Options(properties=(violation,) if violation else ()))
    found = [v.trace for v in result.verdicts if isinstance(v, Violated)]
    return found[0]


def table(trace: Trace, *, full: bool = False) -> list[str]:
    """Return the lines of the table, without numbers and indentation."""
    drawn = RENDERER.render(trace, RenderOptions(full))
    assert isinstance(drawn, str)
    return [re.sub(r"^\s*(\d+  )?\s*", "", line) for line in drawn.splitlines() if line.strip()]
