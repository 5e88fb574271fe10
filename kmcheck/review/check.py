"""Does a bundle belong to these specs, and does the same come of them again?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from kmcheck.diagnostics import InternalError, SpecError, UsageError
from kmcheck.driver import again
from kmcheck.frontend import compile_spec
from kmcheck.frontend import read as read_spec
from kmcheck.review.bundle import SOURCES, TRACES, build, copies, present
from kmcheck.review.plan import Plan, located, read
from kmcheck.review.statement import NAME, subjects
from kmcheck.review.study import Pace
from kmcheck.store import load, write


def current(folder: Path) -> Iterator[str]:
    """Yield what differs of the files and of the sources, a line each, and verify nothing."""
    yield from _files(folder)
    plan = read(folder)
    with chdir(located(folder, plan)):
        yield from _belongs(folder, plan)


def differences(folder: Path, pace: Pace, *, quick: bool) -> Iterator[str]:
    """Yield what differs, a line each: files, sources, traces, and, unless quick, all verdicts."""
    yield from dict.fromkeys(_differences(folder, pace, quick=quick))


def _differences(folder: Path, pace: Pace, *, quick: bool) -> Iterator[str]:
    yield from _files(folder)
    try:
        plan = read(folder)
        base = located(folder, plan)
    except UsageError as error:
        yield _refused(error)
        return
    with chdir(base):
        yield from _belongs(folder, plan)
        yield from _traces(folder)
        if not quick:
            yield from _again(folder, plan, pace)


def _files(folder: Path) -> Iterator[str]:
    """Hold each file to its digest."""
    try:
        known = subjects((folder / NAME).read_bytes())
    except (OSError, ValueError) as error:
        yield f"{NAME}: {_told(error)}"
        return
    there = present(folder)
    for name, digest in sorted(known.items()):
        if name not in there:
            yield f"{name}: is missing"
        elif sha256((folder / name).read_bytes()).hexdigest() != digest:
            yield f"{name}: is not the file that {NAME} names"
    for name in sorted(there - set(known) - {NAME}):
        yield f"{name}: is no file of the bundle"


def _belongs(folder: Path, plan: Plan) -> Iterator[str]:
    """Hold the copies of the specs, and of all that they import, to what these are now."""
    current: dict[str, bytes] = {}
    try:
        for design in plan.design:
            program = compile_spec(read_spec(design.spec), dict(design.run[0].settings))
            current |= copies(program.sources)
    except (SpecError, UsageError) as error:
        yield _refused(error)
        return
    for name, text in sorted(current.items()):
        source = name.removeprefix(f"{SOURCES}/").removesuffix(".txt")
        path = folder / name
        if not path.is_file():
            yield f"{source}: the bundle has no copy of it"
        elif path.read_bytes() != text:
            line = first_difference(path.read_bytes(), text)
            yield f"{source}: is not what was verified, from line {line} on"


def _traces(folder: Path) -> Iterator[str]:
    """Step each stored trace through the semantics again."""
    for path in sorted((folder / TRACES).rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        try:
            stored = load(str(path))
            told = again(read_spec(stored.path), stored)
        except (InternalError, SpecError, UsageError) as error:
            yield f"{name}: does not reproduce: {_told(error)}"
            continue
        if write(told).encode() != path.read_bytes():
            line = first_difference(path.read_bytes(), write(told).encode())
            yield f"{name}: reproduces otherwise than it says, line {line}"


def _again(folder: Path, plan: Plan, pace: Pace) -> Iterator[str]:
    """Make all files anew, and compare."""
    try:
        files = build(folder, plan, pace)
    except (SpecError, UsageError) as error:
        yield _refused(error)
        return
    for name, content in files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: is missing"
        elif path.read_bytes() != content:
            line = first_difference(path.read_bytes(), content)
            yield f"{name}: is not what comes of it now, line {line}"
    for name in sorted(present(folder) - set(files)):
        yield f"{name}: is no file of the bundle"


def first_difference(old: bytes, new: bytes) -> int:
    """Return the first line in which two texts differ, counted from 1."""
    pairs = zip_longest(old.split(b"\n"), new.split(b"\n"))
    return next((n for n, (a, b) in enumerate(pairs, start=1) if a != b), 0)


def _refused(error: SpecError | UsageError) -> str:
    return f"nothing can be verified: {_told(error)}"


def _told(error: Exception) -> str:
    match error:
        case SpecError(diagnostics=diagnostics):
            return f"{diagnostics[0].span.where}: {diagnostics[0].title}"
        case UsageError(message=message):
            return message
        case OSError(strerror=str(reason)):
            return f"cannot be read: {reason}"
    return str(error)
