"""A search as a file: a line of JSON, then the states and their parents as machine code has them.

It is written beside its place and then moved there, so what stands there is always whole.
"""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from kmcheck.diagnostics import UsageError
from kmcheck.engines.native.memory import Region

MAGIC = b"kmcheck checkpoint 1\n"
PIECE = 1 << 24
"""Bytes that are written or read at once."""


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
    beside = Path(f"{path}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(MAGIC + json.dumps(header).encode() + b"\n")
            for array in arrays:
                for at in range(0, array.bytes, PIECE):
                    size = min(PIECE, array.bytes - at)
                    file.write((ctypes.c_char * size).from_address(array.region.address + at))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


class Saved:
    """A checkpoint that is read: first its header, then its arrays, in the order of writing."""

    def __init__(self, path: str, identity: dict[str, Any]) -> None:
        """Open a checkpoint, and make sure that it is of this search.

        Raises:
            UsageError: it cannot be read, or is of another search.
        """
        self.path = path
        try:
            self.file: BinaryIO = Path(path).open("rb")  # noqa: SIM115 - closed when all is read
            magic = self.file.readline(len(MAGIC))
            line = self.file.readline() if magic == MAGIC else b""
            self.header: dict[str, Any] = json.loads(line)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None
        except ValueError:
            raise UsageError(f"{path} is no checkpoint of this version of kmcheck") from None
        for name, wanted in identity.items():
            found = self.header["identity"].get(name)
            if found != wanted:
                self.close()
                title = f"{path} is of another search: its {name} is {found}, not {wanted}"
                raise UsageError(title, "resume with what it was begun with")

    def fill(self, array: Array) -> None:
        """Read an array into its region.

        Raises:
            UsageError: there is not so much.
        """
        for at in range(0, array.bytes, PIECE):
            size = min(PIECE, array.bytes - at)
            target = (ctypes.c_char * size).from_address(array.region.address + at)
            if self.file.readinto(target) != size:  # type: ignore[attr-defined]
                raise UsageError(f"{self.path} ends too early")

    def close(self) -> None:
        """Close the file."""
        self.file.close()
