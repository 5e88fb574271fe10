"""The checks that stand for a table where running all of it would take too long."""

from pathlib import Path

from kmcheck.expected import Expectation, expectations
from tests.designs import DESIGNS


def ends(left_out: frozenset[str] = frozenset()) -> list[Expectation]:
    """Return the first check of each spec's table, and the last."""
    specs = [spec for spec in DESIGNS if Path(spec).stem not in left_out]
    return [check for found in map(expectations, specs) for check in (found[0], *found[1:][-1:])]
