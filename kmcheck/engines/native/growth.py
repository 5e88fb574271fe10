"""When tables are made larger, and how much: as long as there is memory, and never beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from kmcheck.engines.native.context import PARENT_BYTES
from kmcheck.engines.native.packing import WORD, Packing
from kmcheck.engines.native.table import Form

FIRST = 1 << 16
"""Entries of the first tables, of all threads together."""

LEAST = 1 << 18
"""Entries of the least tables that a pass over the disk is worth."""

LARGE = 1 << 24
"""Entries from which on tables only double: clearing smaller ones again costs more than room."""

MOST_KEYS = 1 << 26
"""Entries up to which the faster form is worth its room."""

FULL, FULLEST = 0.8, 0.92
"""How full tables may get, and how full if there is no memory for larger ones."""

BYTES: dict[Form, int] = {"key": 8, "tagged": 8, "number": 4, "fingerprint": 8}
"""What an entry takes."""


@dataclass(frozen=True, slots=True)
class Size:
    """Tables: their form, entries of each, how many states may be in each."""

    form: Form
    entries: int
    room: int

    def bytes(self, threads: int) -> int:
        """Return what all tables take together."""
        return self.entries * BYTES[self.form] * threads


def first(packing: Packing, threads: int, *, compact: bool = False) -> Size:
    """Return the size of the first tables: of fingerprints, if it is to be `compact`."""
    if compact:
        return _sized("fingerprint", FIRST, threads)
    spare = packing.words == 1 and packing.bits < WORD
    return _sized("key" if spare else "tagged", FIRST, threads)


def next_after(size: Size, packing: Packing, threads: int) -> Size:
    """Return the size of the next larger tables."""
    total = size.entries * threads
    total *= 2 if total >= LARGE else 4
    exact = size.form != "fingerprint"
    numbers = exact and packing.words == 1 and total > MOST_KEYS
    form: Form = "number" if numbers else size.form
    return _sized(form, total, threads)


def _sized(form: Form, total: int, threads: int) -> Size:
    entries = 1 << (total // threads - 1).bit_length()
    return Size(form, entries, int(entries * FULL))


def waiting(packing: Packing, available: int, threads: int) -> Size:
    """Return tables for states that wait, which fit into so many bytes together with the states."""
    each = BYTES["tagged"] + FULL * (packing.words * 8 + PARENT_BYTES + 1)
    total = LEAST
    while 2 * total * each <= available:
        total *= 2
    return _sized("tagged", total, threads)


def of_numbers(states: int, threads: int) -> Size:
    """Return tables of numbers for so many states."""
    entries = FIRST
    while entries * FULL * threads < states:
        entries *= 2
    return Size("tagged", entries, int(entries * FULL))


def doubled(size: Size) -> Size:
    """Return tables twice as large, of the same form."""
    return Size(size.form, 2 * size.entries, 2 * size.room)


def squeezed(size: Size) -> Size:
    """Return the same tables with more states in them."""
    return Size(size.form, size.entries, int(size.entries * FULLEST))
