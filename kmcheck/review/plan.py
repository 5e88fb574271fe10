"""What a review is of: `report.toml`, which says it in words and in settings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from json import dumps
from pathlib import Path, PurePosixPath
from typing import Any

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError

from kmcheck.diagnostics import UsageError
from kmcheck.frontend.hints import did_you_mean

PLAN = "report.toml"
"""The file of a review that people write; all others are made of it."""

PREVENT = "choices", "primitives", "nothing"
Value = int | bool | str


@dataclass(frozen=True, slots=True)
class Run:
    """A verification: what it shows, in words, and how to verify.

    `every` goes on behind the first violation. Without `picture` a counterexample is a table only.
    `proposed` is of the run that stands for the design in the summary, if that is not the first.
    `prevent` is what is tried to find out what would have prevented a violation: `choices`,
    `primitives` as well, or `nothing`.
    """

    shows: str = "as it stands"
    settings: dict[str, Value] = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    every: bool = False
    liveness: bool = False
    races: bool = False
    picture: bool = True
    proposed: bool = False
    prevent: str = "choices"


@dataclass(frozen=True, slots=True)
class Mutants:
    """With which settings the mutants are verified, and when one is given up."""

    settings: dict[str, Value] = field(default_factory=dict)
    max_states: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A sweep: for bounds and choices their values, as `-D` of the verb takes them."""

    values: dict[str, str]
    max_states: int | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """Words of the source, and which class or function of the spec says the same."""

    words: str
    spec: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Design:
    """A design: its spec, what to say of it, and what to verify of it.

    `mutants` is None where what carries load is not asked for.
    """

    name: str
    spec: str
    about: str = ""
    source: str = ""
    verdict: str = ""
    """The finding in a few words, for the summary."""
    beside: tuple[Beside, ...] = ()
    run: tuple[Run, ...] = (Run(),)
    mutants: Mutants | None = None
    sweep: Table | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole review. Words are paragraphs, with an empty line between them."""

    title: str
    question: str
    design: tuple[Design, ...]
    answer: str = ""
    source: str = ""
    assumptions: tuple[str, ...] = ()


def read(folder: Path) -> Plan:
    """Read what a folder's review is of.

    Raises:
        UsageError: there is no such file, or it is not as it should be.
    """
    path = folder / PLAN
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "name specs, and it is written: kmcheck report DIR SPEC..."
        raise UsageError(f"there is no {path}", hint) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    for where, key, known in _strange(content):
        hint = did_you_mean(key, known) or f"there is: {', '.join(known)}"
        raise UsageError(f"{path}: {where} has an unknown key `{key}`", hint)
    try:
        plan = _converter().structure(content, Plan)
    except BaseValidationError as error:
        raise UsageError(f"{path}: {transform_error(error)[0]}") from None
    _sound(path, plan)
    return plan


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for primitive in (str, int, bool):
        converter.register_structure_hook(primitive, _exact)
    converter.register_structure_hook(Value, lambda value, _: _setting(value))
    return converter


def _exact(value: Any, kind: type) -> Any:  # noqa: ANN401 - TOML may be anything
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _setting(value: Any) -> Value:  # noqa: ANN401 - TOML may be anything
    if not isinstance(value, int | str):
        raise TypeError(f"{value!r} is no value of a setting")
    return value


PARTS: Mapping[str, type] = {
    "design": Design, "run": Run, "beside": Beside, "mutants": Mutants, "sweep": Table,
}  # fmt: skip


def _strange(
    content: object, kind: type = Plan, where: str = "it"
) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the keys that nobody knows, each with where it is and what could stand there."""
    if not isinstance(content, dict):
        return
    known = [f.name for f in fields(kind)]
    for key, value in content.items():
        if key not in known:
            yield where, key, known
        for part in value if isinstance(value, list) else [value]:
            if key in PARTS:
                yield from _strange(part, PARTS[key], f"[{key}]")


def _sound(path: Path, plan: Plan) -> None:
    """Refuse what can be written, and makes no review.

    Raises:
        UsageError: it makes none.
    """
    if not plan.design:
        raise UsageError(
            f"{path} has no design", 'write [[design]], `name = "..."`, `spec = "..."`'
        )
    for design in plan.design:
        named = PurePosixPath(design.spec)
        if named.is_absolute() or ".." in named.parts:
            hint = "write it as it is called from the project's folder: specs/kmemcg/x.py"
            raise UsageError(f"{path}: `{design.spec}` is a place on one machine", hint)
        if not design.run:
            raise UsageError(f"{path}: {design.name} has no run", "leave `run` out for one")
        for run in design.run:
            if run.prevent not in PREVENT:
                raise UsageError(
                    f'{path}: prevent = "{run.prevent}" is nothing that could be tried',
                    f"write one of: {', '.join(PREVENT)}",
                )
        if sum(run.proposed for run in design.run) > 1:
            raise UsageError(f"{path}: {design.name} is proposed in several ways", "mark one run")


def located(folder: Path, plan: Plan) -> Path:
    """Return the folder below which the specs are: this one, or one above the review's.

    Raises:
        UsageError: there is none.
    """
    for base in (Path.cwd(), *folder.resolve().parents):
        if all((base / design.spec).is_file() for design in plan.design):
            return base
    missing = next((d.spec for d in plan.design if not Path(d.spec).is_file()), plan.design[0].spec)
    raise UsageError(f"there is no {missing}, here or in a folder above {folder}")


def first(specs: Sequence[str]) -> str:
    """Return a `report.toml` to begin with: each spec as it stands, and what carries load in it.

    If it is violated, what would have prevented that.
    """
    names = [PurePosixPath(spec).stem for spec in specs]
    title = f"title = {dumps('Review of ' + ', '.join(names))}\n"
    parts = [f'{title}question = "Does the design hold, and what does it depend on?"\n']
    parts += [
        f"[[design]]\nname = {dumps(name)}\nspec = {dumps(spec)}\nmutants = {{}}\n"
        '\n[[design.run]]\nprevent = "primitives"\n'
        for name, spec in zip(names, specs, strict=True)
    ]
    return "\n".join(parts)
