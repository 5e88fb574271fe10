"""What the lexers of herd7 would read otherwise: its splitter does not know of C's comments.

It looks for the words that begin a condition, and for strings, in all of the code; a body ends
where its braces are even, be they in a comment.
"""

from __future__ import annotations

import re

from kmcheck.explain import comment

SPLITS = re.compile(r"\b(final|forall|exists|cases|[Oo]bserved|locations|filter)\b")
SIGNS = str.maketrans({'"': "'", "{": "(", "}": ")"})
KEYWORDS = """
volatile char int long struct void if else while lock unlock true false and not with fault
Fault tag TAG nop NOP final forall exists cases observed Observed locations filter attrs Attrs
oa pending active enabled priority affinity routing_mode handling_mode valid PTE TTD INTID
intid PA parel1_t PAREL1_T SS SSCap gicarg GICARG pac pacda pacdb pacia pacib WCAS SCAS
mtx_t mtx_lock mtx_unlock spinlock_t atomic_t atomic_int srcu_struct
"""
RESERVED = frozenset(KEYWORDS.split())
"""Names that no variable may have, in the code or in the condition."""
TAKEN = re.compile(r"[rP]\d+|u?int\w*_t|atomic_\w+")


def safe(text: str) -> str:
    """Return a text as it may stand in a comment."""
    return SPLITS.sub(r"\1_", text.translate(SIGNS))


def aside(text: str) -> str:
    """Return a text as a comment behind a statement."""
    return comment(safe(text))


def name(text: str) -> str:
    """Return a text as the name of a variable."""
    word = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "x"
    word = word if word[0].isalpha() else f"v{word}"
    return f"{word}_" if word in RESERVED or TAKEN.fullmatch(word) else word
