"""Many verifications at once, and a file of what came of them, to go on from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Generic, TypeVar

from kmcheck.diagnostics import UsageError
from kmcheck.files import write

T = TypeVar("T")
"""What comes of one: a dataclass whose fields are numbers, texts, truths or None."""


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """Something to do in a process of its own: its number, under what it is kept, the call."""

    number: int
    key: str
    function: Callable[..., T]
    arguments: tuple[Any, ...]


class Ledger(Generic[T]):
    """What came of tasks that were done before, in a file; nothing if there is no file."""

    def __init__(self, path: Path | None, kind: type[T]) -> None:
        """Read the file, if it is there.

        Raises:
            UsageError: it is no such file.
        """
        self.path = path
        self.known: dict[str, T] = {}
        if path is None or not path.exists():
            return
        try:
            told = json.loads(path.read_text("utf-8"))
            self.known = {key: kind(**outcome) for key, outcome in told.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            raise UsageError(f"{path} is no file of outcomes", "name another one") from None

    def of(self, key: str) -> T | None:
        """Return what came of a task."""
        return self.known.get(key)

    def keep(self, key: str, outcome: T) -> None:
        """Write down what came of one.

        Raises:
            UsageError: the file cannot be written.
        """
        self.known[key] = outcome
        if self.path is not None:
            told = {name: asdict(found) for name, found in self.known.items()}  # type: ignore[call-overload]
            write(self.path, json.dumps(told, indent=1) + "\n")


def done(
    tasks: Iterable[Task[T]],
    jobs: int,
    ledger: Ledger[T],
    *,
    alone: bool = False,
    lasting: Callable[[T], bool] = lambda _: True,
) -> Iterator[tuple[int, T]]:
    """Yield what comes of each task, with its number, in the order in which they end.

    Args:
        tasks: what to do.
        jobs: how many at once.
        ledger: what is known already, and where the rest goes.
        alone: whether each task has a process that has done nothing else, so that its memory tells.
        lasting: whether what came of one is worth to be kept.
    """
    waiting: dict[Future[T], Task[T]] = {}
    with _alone(jobs) if alone else ProcessPoolExecutor(jobs) as pool:
        try:
            for task in tasks:
                if (found := ledger.of(task.key)) is not None:
                    yield task.number, found
                else:
                    waiting[pool.submit(task.function, *task.arguments)] = task
            for future in as_completed(waiting):
                if lasting(future.result()):
                    ledger.keep(waiting[future].key, future.result())
                yield waiting[future].number, future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            raise


def _alone(jobs: int) -> ProcessPoolExecutor:
    """Return processes that end behind one task. They begin with what a search has to import."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["kmcheck.driver", "kmcheck.engines.native"])
    return ProcessPoolExecutor(jobs, context, max_tasks_per_child=1)
