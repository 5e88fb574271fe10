"""How sure a search is that remembers fingerprints instead of states: what may have been missed.

A state is missed if its fingerprint is that of another one, found before. Until the first time that
this happens the search is an exact one: the state that is found when there are k is missed with a
probability of k in 2^64, if fingerprints are as good as random. So a state was missed, in a search
that ends with n states, with a probability of n(n + 1) / 2^65 at the most.

Source: P. Wolper, D. Leroy, "Reliable Hashing without Collision Detection", CAV 1993; U. Stern, D.
Dill, "Improved Probabilistic Verification by Hash Compaction", CHARME 1995.
"""

from __future__ import annotations

from dataclasses import replace

from kmcheck.diagnostics import UsageError
from kmcheck.engines.native.packing import WORD, Packing
from kmcheck.verdict import Budget, Finding

BITS = 64

LEAST_SURE = 0.5
"""A bound from which on nothing is said to hold."""


def check(budget: Budget, *, whole: bool) -> None:
    """See whether fingerprints go with what else is wanted.

    Raises:
        UsageError: they do not: what is kept on disk are states, and some questions need
            the `whole` of them, once the search has ended.
    """
    kept = budget.checkpoints
    if budget.compact and whole:
        raise UsageError(
            "--hash-compact cannot tell of runs that never end, nor of data races",
            "ask for other properties with -p, or do without it",
        )
    if budget.compact and (budget.spill or kept.keep or kept.resume):
        raise UsageError(
            "--hash-compact does not go with --spill, --checkpoint or --resume",
            "fingerprints are all that it remembers of most states",
        )


def omission(packing: Packing, states: int) -> float:
    """Return the most that it is likely that a state was missed.

    It is nothing where a fingerprint is the state itself, scrambled: of a word with a bit to spare.
    """
    if packing.words == 1 and packing.bits < WORD:
        return 0.0
    return min(1.0, states * (states + 1) / (1 << BITS + 1))


def qualified(finding: Finding, packing: Packing) -> Finding:
    """Return what was found with how sure it is."""
    missed = omission(packing, finding.statistics.states)
    if finding.complete and missed >= LEAST_SURE:
        why = f"too many states for fingerprints of {BITS} bits"
        finding = replace(finding, complete=False, stopped=why, cut="budget")
    return replace(finding, omission=missed)
