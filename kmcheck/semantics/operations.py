"""The built-in operations: what each computes, on encoded values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from kmcheck.ir.layout import UNINITIALISED
from kmcheck.residual import Form, compare


class Corrupt(Exception):  # noqa: N818
    """A list or set operation on a member that is not, or already is, on it."""

    def __init__(self, message: str, member: int) -> None:
        super().__init__(message)
        self.message = message
        self.member = member


class Dangling(Exception):  # noqa: N818
    """A list operation reads or writes the links of a freed object."""

    def __init__(self, member: int) -> None:
        super().__init__(member)
        self.member = member


def members(mask: int, first: int) -> list[int]:
    """Return the encodings in a set, lowest first."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1 + first)
        mask ^= low
    return found


def _both(value: int) -> int:
    """Return the bits of an address, fresh and stale, in a set of references."""
    return 3 << ((value & ~1) - 2)


def _list_has(items: Form, member: int) -> bool:
    return any(item | 1 == member | 1 for item in items)


def _touch(*linked: int) -> None:
    """Read or write the links of objects, as <linux/list.h> does: no freed one has any."""
    for member in linked:
        if member & 1:
            raise Dangling(member)


def _list_add(items: Form, member: int, *, head: bool) -> Form:
    if not member:
        raise Corrupt("NULL is added to a list", member)
    _touch(member)
    if _list_has(items, member):
        raise Corrupt("it is on the list already", member)
    _touch(*(items[:1] if head else items[-1:]))
    return (member, *items) if head else (*items, member)


def _position(items: Form, member: int) -> int:
    for at, item in enumerate(items):
        if item | 1 == member | 1:
            return at
    raise Corrupt("it is not on the list", member)


def _list_after(items: Form, member: int) -> int:
    _touch(member)
    at = _position(items, member) + 1
    return items[at] if at < len(items) else 0


def _list_concat(items: Form, others: Form) -> Form:
    if others:
        _touch(*items[-1:], others[0], others[-1])
    for other in others:
        if _list_has(items, other):
            raise Corrupt("it is on the list already", other)
        items = (*items, other)
    return items


def _list_remove(items: Form, member: int) -> Form:
    _touch(member)
    at = _position(items, member)
    _touch(*items[max(at - 1, 0) : at], *items[at + 1 : at + 2])
    return items[:at] + items[at + 1 :]


def _list_rest(items: Form) -> Form:
    _touch(*items[:2])
    return items[1:]


def _addresses(mask: int) -> int:
    """Return a set of references with both bits, fresh and stale, of every address in it."""
    return mask | (mask & _FRESH) << 1 | (mask & ~_FRESH) >> 1


_FRESH = sum(1 << bit for bit in range(0, 1024, 2))


def set_operations(first: int, *, references: bool) -> dict[str, Callable[..., Any]]:
    """Return the meaning of the operations on sets whose bit 0 encodes `first`.

    In a set of references an address is one member, whether it is stale or not.
    """

    def bits(value: int) -> int:
        return _both(value) if references else 1 << (value - first)

    def has(mask: int, value: int) -> bool:
        return value >= first and mask & bits(value) != 0

    def insert(mask: int, value: int) -> int:
        if value < first:
            raise Corrupt("NULL is added to a set", value)
        return mask if mask & bits(value) else mask | 1 << (value - first)

    def remove(mask: int, value: int) -> int:
        if not has(mask, value):
            raise Corrupt("it is not in the set", value)
        return mask & ~bits(value)

    whole = _addresses if references else lambda mask: mask

    return {
        "has": has,
        "with": insert,
        "without": lambda mask, value: mask & ~bits(value) if value >= first else mask,
        "remove": remove,
        "union": lambda a, b: a | b & ~whole(a),
        "intersect": lambda a, b: a & whole(b),
        "minus": lambda a, b: a & ~whole(b),
        "unseen": lambda a, b: a & ~b,  # a new object in the slot of one that was seen is another
        "subset": lambda a, b: a & ~whole(b) == 0,
        "size": int.bit_count,
        "lowest": lambda mask: (mask & -mask).bit_length() - 1 + first if mask else 0,
        "only": lambda value: 1 << (value - first) if value >= first else 0,
    }


def _form(constant: int, symbols: int) -> Form:
    return (constant, *([0] * symbols))


def form_operations(symbols: int) -> dict[str, Callable[..., Any]]:
    """Return the meaning of the operations on linear forms over this many symbols."""

    def size(symbol: int) -> Form:
        return tuple(int(at == symbol and at > 0) for at in range(symbols + 1))

    return {
        "form_int": lambda constant: _form(constant, symbols),
        "form_size": size,
        "form_add": lambda a, b: tuple(map(operator.add, a, b)),
        "form_sub": lambda a, b: tuple(map(operator.sub, a, b)),
        **{
            f"form_{name}": (lambda a, b, name=name: compare(name, a, b))
            for name in ("eq", "ne", "lt", "le", "gt", "ge")
        },
    }


PLAIN: dict[str, Callable[..., Any]] = {
    "not": operator.not_,
    "neg": operator.neg,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.floordiv,
    "mod": operator.mod,
    "min": min,
    "max": max,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "same": lambda a, b: a | 1 == b | 1 if a and b else a == b,
    "differ": lambda a, b: a | 1 != b | 1 if a and b else a != b,
    "list_has": _list_has,
    "list_append": lambda items, member: _list_add(items, member, head=False),
    "list_push": lambda items, member: _list_add(items, member, head=True),
    "list_remove": _list_remove,
    "list_first": lambda items: items[0] if items else 0,
    "list_rest": _list_rest,
    "list_after": _list_after,
    "list_concat": _list_concat,
    "list_len": len,
    "is_alive": lambda value: value > 0 and value & 1 == 0,
}


def is_initialised(value: object) -> bool:
    """Tell whether a slot holds a value."""
    return value != UNINITIALISED
