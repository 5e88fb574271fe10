"""What a name at the top level of a module stands for."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from kmcheck.diagnostics import Source, Span
from kmcheck.ir.expr import Const


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language, from `kmcheck.lang` or a Python builtin."""

    name: str


@dataclass(slots=True)
class KindSymbol:
    """A class of objects. `fields` and `embedded` are filled in when its annotations are read."""

    name: str
    module: Module
    node: ast.ClassDef
    methods: dict[str, FunctionSymbol] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnumSymbol:
    """An enumeration."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionSymbol:
    """A function and its role: `function`, `macro`, `process`, `action`, `setup`, a property's."""

    name: str
    module: Module
    node: ast.FunctionDef
    role: str
    options: dict[str, ast.expr]
    owner: KindSymbol | None = None
    home: str = ""
    """The spec file that it is from, where another one has a function of this name too."""

    @property
    def key(self) -> str:
        """What tells it from others: `uncharge`, `kmcheck.kernel.css.css_put`, `Work.on_free`."""
        module = self.module.source.module or self.home
        prefix = f"{module}." if module else ""
        return prefix + (f"{self.owner.name}.{self.name}" if self.owner else self.name)


@dataclass(frozen=True, slots=True)
class GlobalSymbol:
    """An object that exists before setup, or one per CPU or per process."""

    name: str
    kind: str
    per: str
    module: Module
    initial: tuple[ast.keyword, ...] = ()
    """The fields that do not begin as zero: constants."""


@dataclass(frozen=True, slots=True)
class ConstantSymbol:
    """A constant, a bound or a choice."""

    value: Const


@dataclass(frozen=True, slots=True)
class AliasSymbol:
    """A name for a type: `Nr = Annotated[int, range(4)]`."""

    node: ast.expr
    module: Module


@dataclass(frozen=True, slots=True)
class Broken:
    """A name whose definition was refused: using it is not reported again."""


@dataclass(frozen=True, slots=True)
class TypeVariable:
    """A name for any type, in a generic function's annotations."""

    name: str


Symbol = (
    Word
    | KindSymbol
    | EnumSymbol
    | FunctionSymbol
    | GlobalSymbol
    | ConstantSymbol
    | AliasSymbol
    | TypeVariable
    | Broken
)


@dataclass(slots=True, eq=False)
class Module:
    """A parsed file and what its names stand for."""

    source: Source
    tree: ast.Module
    symbols: dict[str, Symbol] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    """Where each name was defined or imported."""
    complete: bool = False
    """Whether all of it has been read: not so while it is still importing."""
