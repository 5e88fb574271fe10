"""A trace as text that tools can read: what `write` gives, `read` gives back, field by field.

States repeat themselves from step to step, so that each view of an object or process is stored
once, in `views`, and a snapshot holds its numbers there. Keys are sorted; a step is one line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_unstructure_fn, override

from kmcheck.diagnostics import UsageError
from kmcheck.trace import ObjectView, ProcessView, Snapshot, Trace, Violation

SCHEMA_VERSION = 1
LEVELS = 2
"""Objects nested deeper than this stand in one line."""

View = TypeVar("View", ObjectView, ProcessView)


def write(trace: Trace) -> str:
    """Return the trace as a JSON document, the same bytes every time."""
    objects: dict[ObjectView, int] = {}
    processes: dict[ProcessView, int] = {}

    def numbers(snapshot: Snapshot) -> list[list[int]]:
        return [
            [objects.setdefault(view, len(objects)) for view in snapshot.objects],
            [processes.setdefault(view, len(processes)) for view in snapshot.processes],
        ]

    converter = Converter()
    converter.register_unstructure_hook(Snapshot, numbers)
    lean = make_dict_unstructure_fn(Violation, converter, lost=override(omit_if_default=True))
    converter.register_unstructure_hook(Violation, lean)
    told = converter.unstructure(trace)
    views = {"objects": list(objects), "processes": list(processes)}
    document = {
        "schema_version": SCHEMA_VERSION,
        "trace": told,
        "views": converter.unstructure(views),
    }
    return _lines(document) + "\n"


def _lines(value: object, depth: int = 0) -> str:
    """Return JSON: two levels of objects, and long lists, have a line for each entry."""
    pad, close = " " * (depth + 1), " " * depth
    if isinstance(value, dict) and value and depth < LEVELS:
        rows = [f"{pad}{json.dumps(key)}: {_lines(value[key], depth + 1)}" for key in sorted(value)]
        return "{\n" + ",\n".join(rows) + f"\n{close}}}"
    if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        rows = [pad + json.dumps(entry, sort_keys=True) for entry in value]
        return "[\n" + ",\n".join(rows) + f"\n{close}]"
    return json.dumps(value, sort_keys=True)


def read(text: str, name: str = "the trace") -> Trace:
    """Return the trace that `text` holds.

    Raises:
        UsageError: it is no stored trace, or one of another version.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}") from error
    if not isinstance(document, dict) or not {"trace", "views"} <= document.keys():
        raise UsageError(
            f"{name} is no stored trace", "kmcheck verify writes one, use-after-free.json"
        )
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UsageError(f"{name} has schema version {version}, not {SCHEMA_VERSION}")
    try:
        trace = _structure(document)
    except BaseValidationError as error:
        raise UsageError(f"{name} is damaged: {transform_error(error)[0]}") from error
    except Exception as error:
        # generated code stumbles over a list in place of an object: over what, it does not say
        raise UsageError(f"{name} is damaged: it is not built as a trace is") from error
    steps = len(trace.events)
    if trace.loop_at is not None and not 0 <= trace.loop_at <= steps:
        raise UsageError(f"{name} is damaged: it has {steps} steps, and loop_at is {trace.loop_at}")
    return trace


def _structure(document: Mapping[str, Any]) -> Trace:
    converter = Converter(forbid_extra_keys=True)
    for primitive in (str, int, bool):
        converter.register_structure_hook(primitive, _exact)
    views = document["views"]
    objects = converter.structure(views["objects"], tuple[ObjectView, ...])
    processes = converter.structure(views["processes"], tuple[ProcessView, ...])

    def snapshot(value: Any, _: object) -> Snapshot:  # noqa: ANN401 - JSON may be anything
        first, second = value
        return Snapshot(_pick(objects, first), _pick(processes, second))

    converter.register_structure_hook(Snapshot, snapshot)
    return converter.structure(document["trace"], Trace)


def _pick(views: tuple[View, ...], numbers: list[int]) -> tuple[View, ...]:
    if any(number < 0 for number in numbers):
        raise IndexError("a view has a negative number")
    return tuple(views[number] for number in numbers)


def _exact(value: Any, kind: Callable[..., Any]) -> Any:  # noqa: ANN401 - JSON may be anything
    """Take a value of the right type as it is; never turn one into another."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def load(path: str) -> Trace:
    """Read a stored trace from a file; `-` is standard input.

    Raises:
        UsageError: it cannot be read, or is no trace.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError):
        raise UsageError(f"{path} is no stored trace: it is not text") from None
    return read(text, path)
