"""A search as a file: a line of JSON, then the states and their parents as machine code has them.

It is written beside its place and then moved there, so what stands there is always whole. Its last
bytes are a checksum: a disk that lost a bit must not make a search lose states.
"""

from __future__ import annotations

import ctypes
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmcheck.diagnostics import UsageError
from kmcheck.engines.native.memory import Region

MAGIC = b"kmcheck checkpoint 3\n"
PIECE = 1 << 24
"""Bytes that are written or read at once."""

CHECK = 4
"""Bytes of the checksum."""


@dataclass(frozen=True, slots=True)
class Array:
    """A part of a region: what is kept of it."""

    region: Region
    bytes: int


def save(path: str, header: dict[str, Any], arrays: list[Array]) -> None:
    """Write a checkpoint.

    Raises:
        UsageError: it cannot be written.
    """
    beside = Path(f"{path}.part")
    try:
        with beside.open("wb") as file:
            line = json.dumps(header).encode()
            check = zlib.crc32(line)
            file.write(b"%s%08x %s\n" % (MAGIC, check, line))
            for piece in _pieces(arrays):
                file.write(piece)
                check = zlib.crc32(piece, check)
            file.write(check.to_bytes(CHECK, "little"))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _pieces(arrays: list[Array]) -> Iterator[ctypes.Array[ctypes.c_char]]:
    for array in arrays:
        for at in range(0, array.bytes, PIECE):
            size = min(PIECE, array.bytes - at)
            yield (ctypes.c_char * size).from_address(array.region.address + at)


class Saved:
    """A checkpoint that is read: first its header, then its arrays, in the order of writing."""

    def __init__(self, path: str, identity: dict[str, Any]) -> None:
        """Open a checkpoint, and make sure that it is of this search.

        Raises:
            UsageError: it cannot be read, or is of another search.
        """
        self.path = path
        try:
            line = self._line()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None
        if line is None:
            raise UsageError(f"{path} is no checkpoint of this version of kmcheck")
        self.header: dict[str, Any] = json.loads(line)
        for name, wanted in identity.items():
            found = self.header["identity"].get(name)
            if found != wanted:
                title = f"{path} is of another search: its {name} is {found}, not {wanted}"
                raise UsageError(title, "resume with what it was begun with")

    def _line(self) -> bytes | None:
        """Return the header, unless it is none or damaged, and remember where it ends."""
        with Path(self.path).open("rb") as file:
            magic = file.readline(len(MAGIC))
            check, _, line = file.readline().rstrip(b"\n").partition(b" ")
            self.start = file.tell()
        self.check = zlib.crc32(line)
        return line if magic == MAGIC and check == b"%08x" % self.check else None

    def fill(self, arrays: list[Array]) -> None:
        """Read all arrays into their regions.

        Raises:
            UsageError: the file is damaged.
        """
        with Path(self.path).open("rb", buffering=0) as file:
            file.seek(self.start)
            for piece in _pieces(arrays):
                if file.readinto(piece) != len(piece):
                    raise UsageError(f"{self.path} ends too early")
                self.check = zlib.crc32(piece, self.check)
            if file.read() != self.check.to_bytes(CHECK, "little"):
                raise UsageError(f"{self.path} is damaged", "begin again without --resume")
