"""What a process may touch with its next step and from there on: footprints, place by place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Literal, NamedTuple

Place = tuple[str, str, str]
"""What is touched, in an object with an index:

`("field", kind, name)`; `("life", kind, "")`, whether it lives; `("address", kind, "")`, copies of
its address, which a free makes stale. Or, without an index: `("stale", kind, "")`, which addresses
dangle; `("pool", template, "")`, which instances run; `("sizes", "", "")`, which symbols are in
use; `("positions", "", "")`, where processes are.
"""

Mode = Literal["read", "write", "add", "own"]
"""How: `add` commutes with `add`, and `own` touches a process's own bit of a set of processes."""

ME = "@me"
"""The source of a point that is the running instance itself."""

NEWCOMER = "@newcomer"
"""The source of a point that is an instance that does not run yet: so it is none that does."""


class Point(NamedTuple):
    """An index: `shift`, and added to it what the source holds.

    The source is a variable (`halved` if it holds an address: the stale bit is shifted away, and
    one that is null or was never assigned is no index), `ME`
    for the number of the instance, `NEWCOMER` for one that is not known, or empty for nothing.
    """

    source: str
    halved: bool = False
    shift: int = 0


class Item(NamedTuple):
    """One thing that is touched. `points` are what its index may be, None is any."""

    place: Place
    mode: Mode
    points: frozenset[Point] | None


@dataclass(frozen=True, slots=True)
class Footprint:
    """All that is touched, by place."""

    places: dict[Place, frozenset[Item]]

    def __iter__(self) -> Iterator[Item]:
        """Yield what is touched."""
        return chain.from_iterable(self.places.values())


def footprint(items: Iterable[Item]) -> Footprint:
    """Return the footprint that has some items."""
    places: dict[Place, set[Item]] = {}
    for item in items:
        places.setdefault(item.place, set()).add(item)
    return Footprint({place: frozenset(found) for place, found in places.items()})


@dataclass(frozen=True, slots=True)
class Row:
    """A position of a process: what its next step may touch, and what all from there on may.

    `whole` says that the step is not to be put before others: somebody may see it, or it may close
    a cycle.
    """

    next: Footprint
    ever: Footprint
    whole: bool


@dataclass(frozen=True, slots=True)
class Stubborn:
    """The rows of all templates, by position: the block's number plus one.

    With `alike`, what is chosen does not depend on who is who among processes of one template.
    """

    rows: dict[str, dict[int, Row]]
    alike: bool = False

    def counted(self) -> tuple[int, int]:
        """Return how many steps may be put before others, and how many there are."""
        rows = [row for of_template in self.rows.values() for row in of_template.values()]
        return sum(not row.whole for row in rows), len(rows)


Meeting = bool | frozenset[tuple[Point, Point]]
"""Whether two processes meet: if one of these pairs of points is the same index."""


def clash(step: Footprint, others: Footprint) -> Meeting:
    """Return when the order of a step and of what another process does may show."""
    return _meeting(step, others, _clash)


def wake(step: Footprint, others: Footprint) -> Meeting:
    """Return when what another process does may change whether a step is enabled."""
    return _meeting(step, others, _wake)


def _clash(one: Mode, other: Mode) -> bool:
    return one != other or one == "write"


def _wake(one: Mode, other: Mode) -> bool:
    return one in ("read", "own") and other not in ("read", one)


def _meeting(step: Footprint, others: Footprint, meet: Callable[[Mode, Mode], bool]) -> Meeting:
    pairs: set[tuple[Point, Point]] = set()
    for place in step.places.keys() & others.places.keys():
        for item, other in product(step.places[place], others.places[place]):
            if not meet(item.mode, other.mode):
                continue
            if item.points is None or other.points is None:
                return True
            found = {pair for pair in product(item.points, other.points) if _may_be_same(*pair)}
            if any(NEWCOMER in (one.source, two.source) for one, two in found):
                return True
            pairs |= found
    return frozenset(pairs) or False


def _may_be_same(one: Point, other: Point) -> bool:
    """Tell whether two points of different processes may be one index.

    What there is for each process is at the process's number.
    """
    sources = {one.source, other.source}
    if ME in sources and sources <= {ME, NEWCOMER}:
        return False
    return bool(one.source or other.source) or one.shift == other.shift
