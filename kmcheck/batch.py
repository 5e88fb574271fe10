"""Many verifications at once, and a file of what came of them, to go on from."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from kmcheck.diagnostics import UsageError
from kmcheck.files import exchange

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
            told = json.loads(path.read_text("utf-8") if path.is_file() else "")
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
            exchange(self.path, json.dumps(told, indent=1) + "\n")


def done(
    tasks: Iterable[Task[T]],
    jobs: int,
    ledger: Ledger[T],
    *,
    alone: bool = False,
    lasting: Callable[[T], bool] = lambda _: True,
) -> Generator[tuple[int, T], None, None]:
    """Yield what comes of each task, with its number, in the order in which they end.

    Where processes cannot be had, tasks are done in this one. Somebody who stops before the end,
    as at an interrupt, ends the processes at once: close the iterator (`contextlib.closing`).

    Args:
        tasks: what to do.
        jobs: how many at once.
        ledger: what is known already, and where the rest goes.
        alone: whether each task has a process that has done nothing else, so that its memory tells.
        lasting: whether what came of one is worth to be kept.
    """
    waiting = []
    for task in tasks:
        if (found := ledger.of(task.key)) is not None:
            yield task.number, found
        else:
            waiting.append(task)
    if not waiting:
        return
    with _outcomes(waiting, jobs, alone=alone) as outcomes:
        for task, outcome in outcomes:
            if lasting(outcome):
                ledger.keep(task.key, outcome)
            yield task.number, outcome


@contextmanager
def _outcomes(
    tasks: list[Task[T]], jobs: int, *, alone: bool
) -> Iterator[Iterator[tuple[Task[T], T]]]:
    """Give what comes of tasks; at an exception all processes that were started end."""
    others = set(multiprocessing.active_children())
    try:
        pool = _alone(jobs) if alone else ProcessPoolExecutor(jobs)
    except OSError:  # no /dev/shm, or it is not ours: processes cannot be coordinated
        yield ((task, task.function(*task.arguments)) for task in tasks)
        return
    waiting: dict[Future[T], Task[T]] = {}
    with pool:
        try:
            with _held_back():
                waiting |= {pool.submit(task.function, *task.arguments): task for task in tasks}
            yield ((waiting[future], future.result()) for future in as_completed(waiting))
        except BaseException:
            while not all(future.done() for future in waiting):  # one may just be starting
                for child in set(multiprocessing.active_children()) - others:
                    child.kill()
                wait(waiting, timeout=0.02)
            raise


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold an interrupt back; processes that are started in here never hear of one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _alone(jobs: int) -> ProcessPoolExecutor:
    """Return processes that end behind one task. They begin with what a search has to import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kmcheck.driver", "kmcheck.engines.native"])
    return ProcessPoolExecutor(jobs, context, max_tasks_per_child=1)
