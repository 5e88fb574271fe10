"""States that were put into the buffers lately: most successors are among them, and are known.

Two steps of different processes lead to one state in either order, and a breadth-first search takes
both orders soon after each other. So a small memory, which stays in the processor's cache, spares
the look-up in the table. What it has was put into the buffers before, in this round or in one that
went through: where a round is given up it has to be wiped.
"""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.code import Code
from kmcheck.engines.native.emit import I1, Value, i64
from kmcheck.engines.native.packing import WORD, Packing

REMEMBERED = 1 << 13
"""States that each thread remembers."""

WIPED = 0xFF
"""What each byte of an empty place is: no state has all its bits."""


def worthwhile(packing: Packing) -> bool:
    """Tell whether states may be remembered: not where each step to a known one is judged."""
    stepped = any(prop.when == "step" for prop in packing.layout.program.properties)
    return packing.bits < WORD * packing.words and not stepped


def leave_if_remembered(code: Code, words: Value, hashed: Value, size: int) -> None:
    """Write that the function ends here if a state is remembered; from now on it is."""
    b = code.builder
    place = b.and_(b.lshr(hashed, i64(WORD // 4)), i64(REMEMBERED - 1))
    kept = code.address("recent", b.mul(place, i64(size)))
    same: Value = ir.Constant(I1, 1)
    for w in range(size):
        known, word = b.load(b.gep(kept, [i64(w)])), b.load(b.gep(words, [i64(w)]))
        same = b.and_(same, b.icmp_unsigned("==", known, word))
    with b.if_then(same):
        b.ret_void()
    code.copy(words, kept, size)
