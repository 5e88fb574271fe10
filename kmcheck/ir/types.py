"""The types of values. Every value of a state has one, and a finite one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bool:
    """False or true: 0 or 1."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer from `lo` to `hi`, both included. Leaving it is a `range` violation."""

    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class EnumType:
    """A member of an enumeration: its index in `members`."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to an object of a kind, or null.

    Encoded as 0 for null, else `2 * (slot + 1) + stale`: addresses are equal when all but
    the lowest bit are.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, or none: 0 for none, else its number plus one."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function in the field `key` (`Work.fn`): 0 for none, else its index there plus one."""

    key: str


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set, as a bit mask: bit `encoding - first` for a member (see `first_code`)."""

    element: Type


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of distinct references, as a tuple of their encodings, head first."""

    element: Ref


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """A fixed number of elements, as a tuple."""

    element: Type
    length: int


@dataclass(frozen=True, slots=True)
class Size:
    """A symbolic positive number of pages: 0 for none, else the number of its symbol."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A linear form over sizes: (constant, coefficient of symbol 1, of symbol 2, ...)."""


@dataclass(frozen=True, slots=True)
class Void:
    """No value: what a function without `return` gives; also the type of a bare None."""


Type = (
    Bool
    | Int
    | EnumType
    | Ref
    | ProcessId
    | Function
    | SetOf
    | ListOf
    | ArrayOf
    | Size
    | Counter
    | Void
)

BOOL = Bool()
INT16 = Int(-(2**15), 2**15 - 1)
CPU = Int(0, 63)
LOCK_CLASS = Int(0, 63)
CPU_OR_NONE = Int(-1, 63)
PROCESS = ProcessId()
SIZE = Size()
COUNTER = Counter()
VOID = Void()


def first_code(element: Type) -> int:
    """Return the encoding that a set of `element` keeps in bit 0."""
    match element:
        case Ref():
            return 2
        case ProcessId() | Function():
            return 1
        case Int(lo=lo):
            return lo
        case _:
            return 0


def show(kind: Type) -> str:
    """Spell a type as a spec does."""
    match kind:
        case Bool():
            return "bool"
        case Int(lo, hi):
            ends = f"{lo}, {hi + 1}" if lo else f"{hi + 1}"
            return "int" if kind == INT16 else f"Annotated[int, range({ends})]"
        case EnumType(name=name):
            return name
        case Ref(kind=name):
            return name
        case ProcessId():
            return "Process"
        case Function(key=key):
            return f"the function in {key}"
        case SetOf(element=element):
            return f"SetOf[{show(element)}]"
        case ListOf(element=element):
            return f"ListOf[{show(element)}]"
        case ArrayOf(element=element, length=length):
            return f"Annotated[ArrayOf[{show(element)}], {length}]"
        case Size():
            return "Size"
        case Counter():
            return "Counter"
        case Void():
            return "None"


def article(kind: Type) -> str:
    """Spell a type with its article: `an integer`, `a Page`."""
    match kind:
        case Int():
            return "an integer"
        case Bool():
            return "a bool"
        case Function():
            return "a function"
        case ArrayOf():
            return "an array"
        case Void():
            return "None"
    text = show(kind)
    return f"an {text}" if text[0] in "AEIO" else f"a {text}"
