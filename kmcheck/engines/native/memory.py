"""Memory that machine code works on: taken from the system as it is needed, and given back."""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile

from kmcheck.diagnostics import UsageError

FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)


class Region:
    """Zeroed memory of some bytes. What is never touched takes no room."""

    def __init__(self, size: int) -> None:
        """Take memory.

        Raises:
            MemoryError: the system does not give so much.
        """
        self.size = max(mmap.PAGESIZE, size)
        self.released = 0
        try:
            self.memory = self._mapped()
        except OSError:
            raise MemoryError from None
        self._pin = ctypes.c_char.from_buffer(self.memory)
        self.address = ctypes.addressof(self._pin)

    def _mapped(self) -> mmap.mmap:
        memory = mmap.mmap(-1, self.size, flags=FLAGS)
        if hasattr(mmap, "MADV_HUGEPAGE") and self.size >= 1 << 21:
            memory.madvise(mmap.MADV_HUGEPAGE)
        return memory

    def ensure(self, size: int) -> None:
        """Make sure that the first bytes can be written."""

    def release(self, size: int) -> None:
        """Give back the memory of the first bytes, whole pages of it; what was there is lost."""
        self._drop(self.released, size)
        self.released = size // mmap.PAGESIZE * mmap.PAGESIZE

    def _drop(self, start: int, end: int) -> None:
        whole = end // mmap.PAGESIZE * mmap.PAGESIZE
        if whole > start and hasattr(mmap, "MADV_DONTNEED"):
            self.memory.madvise(mmap.MADV_DONTNEED, start, whole - start)

    def close(self) -> None:
        """Give the memory back."""
        del self._pin
        self.memory.close()


class Filed(Region):
    """Memory that stands in a file without a name: the system writes it there, and reads it again.

    The file is gone with this process, however that ends.
    """

    def __init__(self, size: int, folder: str) -> None:
        """Make the file.

        Raises:
            UsageError: it cannot be made.
            MemoryError: it cannot be so large.
        """
        try:
            self.file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - see close()
        except OSError as error:
            raise UsageError(f"cannot write in {folder}: {error.strerror}") from None
        self.ensured = 0
        try:
            super().__init__(size)
        except MemoryError:
            self.file.close()
            raise

    def _mapped(self) -> mmap.mmap:
        os.ftruncate(self.file.fileno(), self.size)
        return mmap.mmap(self.file.fileno(), self.size)

    def ensure(self, size: int) -> None:
        """Make sure that the first bytes can be written: a full disk is a signal at a write.

        Raises:
            OSError: the disk is full.
        """
        size = min(size, self.size)
        if size > self.ensured:
            os.posix_fallocate(self.file.fileno(), self.ensured, size - self.ensured)
            self.ensured = size

    def release(self, size: int) -> None:
        """Give back the memory of the first bytes, whole pages of it: the file keeps them."""
        self._drop(0, size)

    def close(self) -> None:
        """Give the memory and the file back."""
        super().close()
        self.file.close()
