"""Memory that machine code works on: taken from the system as it is needed, and given back."""

from __future__ import annotations

import ctypes
import mmap

FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)


class Region:
    """Zeroed memory of some bytes. What is never touched takes no room."""

    def __init__(self, size: int) -> None:
        """Take memory.

        Raises:
            MemoryError: the system does not give so much.
        """
        self.size = max(mmap.PAGESIZE, size)
        try:
            self.memory = mmap.mmap(-1, self.size, flags=FLAGS)
        except OSError:
            raise MemoryError from None
        self._pin = ctypes.c_char.from_buffer(self.memory)
        self.address = ctypes.addressof(self._pin)
        if hasattr(mmap, "MADV_HUGEPAGE") and self.size >= 1 << 21:
            self.memory.madvise(mmap.MADV_HUGEPAGE)

    def close(self) -> None:
        """Give the memory back."""
        del self._pin
        self.memory.close()
