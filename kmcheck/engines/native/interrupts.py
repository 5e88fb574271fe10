"""Holds an interrupt back until a search is at a point where it can be gone on with."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Give what raises KeyboardInterrupt if there was one; the second one is not held back."""
    seen: list[int] = []

    def notice(number: int, _: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    def heed() -> None:
        if seen:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield heed
        return
    before = signal.signal(signal.SIGINT, notice)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before)
