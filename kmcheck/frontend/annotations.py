"""What an annotation says: the type of a variable, or the declaration of a field."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from kmcheck.frontend.modules import Loader
from kmcheck.frontend.report import Refused, did_you_mean
from kmcheck.frontend.symbols import (
    AliasSymbol,
    EnumSymbol,
    FunctionSymbol,
    GlobalSymbol,
    KindSymbol,
    Module,
    TypeVariable,
    Word,
)
from kmcheck.ir.types import (
    BOOL,
    COUNTER,
    INT16,
    PROCESS,
    SIZE,
    VOID,
    ArrayOf,
    EnumType,
    Function,
    Int,
    ListOf,
    Ref,
    SetOf,
    Type,
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A field as declared: of a type, or an embedded object of a kind."""

    type: Type | None
    embedded: str | None
    ghost: bool


@dataclass(frozen=True, slots=True)
class Argument:
    """What a parameter takes: a type, anything (None), or, at compile time, a `class` or a `function`."""

    type: Type | None
    static: str | None = None


class Annotations:
    """Reads the annotations of one module."""

    def __init__(self, loader: Loader, module: Module) -> None:
        self.loader = loader
        self.module = module

    def refuse(
        self, code: str, title: str, node: ast.AST, label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong with an annotation."""
        return self.loader.refuse(self.module, code, title, node, label, hint)

    def field(self, node: ast.expr, owner: str, name: str) -> Declaration:
        """Return what a class-level annotation declares."""
        match self._unquoted(node):
            case ast.Subscript(value=ast.Name(id="Ghost"), slice=inner) if self._is_word("Ghost"):
                declared = self.field(inner, owner, name)
                return Declaration(declared.type, declared.embedded, ghost=True)
            case ast.Subscript(value=ast.Name(id="Callable")) if self._is_word("Callable"):
                return Declaration(Function(f"{owner}.{name}"), None, ghost=False)
            case ast.Name(id=word):
                symbol = self.module.symbols.get(word)
                if isinstance(symbol, KindSymbol):
                    return Declaration(None, symbol.name, ghost=False)
        return Declaration(self.variable(node), None, ghost=False)

    def argument(self, node: ast.expr) -> Argument:
        """Return what a parameter's annotation takes."""
        match self._unquoted(node):
            case ast.Subscript(value=ast.Name(id="type")):
                return Argument(None, "class")
            case ast.Subscript(value=ast.Name(id="Callable")) if self._is_word("Callable"):
                return Argument(None, "function")
            case ast.Name(id="object" | "Object"):
                return Argument(None)
            case ast.Name(id=name) if isinstance(self.module.symbols.get(name), TypeVariable):
                return Argument(None)
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return self.argument(left)
        return Argument(self.variable(node))

    def variable(self, node: ast.expr) -> Type:
        """Return the type that an annotation names, where an object's class stands for a pointer to it."""
        plain = self._unquoted(node)
        match plain:
            case ast.Constant(value=None):
                return VOID
            case ast.Name(id="bool"):
                return BOOL
            case ast.Name(id="int"):
                return INT16
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return self.variable(left)
            case ast.Name(id=name):
                return self._named(name, plain)
            case ast.Subscript(
                value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, extra])
            ):
                return self._annotated(inner, extra, plain)
            case ast.Subscript(value=ast.Name(id="Ref"), slice=inner):
                kind = self.variable(inner)
                if not isinstance(kind, Ref):
                    raise self.refuse(
                        "K031", "Ref takes a class of objects", inner, "", 'write `Ref["Name"]`'
                    )
                return kind
            case ast.Subscript(value=ast.Name(id="SetOf"), slice=inner):
                return self._set(inner)
            case ast.Subscript(value=ast.Name(id="ListOf"), slice=inner):
                element = self.variable(inner)
                if not isinstance(element, Ref):
                    raise self.refuse(
                        "K031", "a list holds objects", inner, "", "use `ArrayOf` for plain values"
                    )
                return ListOf(element)
            case ast.Subscript(value=ast.Name(id="ArrayOf")):
                hint = "write `Annotated[ArrayOf[...], 4]`"
                raise self.refuse("K032", "an array needs its length", plain, "", hint)
            case ast.Subscript(value=ast.Name(id="Ghost")):
                raise self.refuse("K033", "only a field can be a ghost", plain)
        hint = "bool, int, Annotated[int, range(4)], a class, an Enum, Ref, SetOf, ListOf, ArrayOf, Size, Counter"
        raise self.refuse("K030", "this is not a type", node, "", f"there is: {hint}")

    def _named(self, name: str, node: ast.expr) -> Type:
        match self.module.symbols.get(name):
            case Word("Process"):
                return PROCESS
            case Word("Size"):
                return SIZE
            case Word("Counter"):
                return COUNTER
            case KindSymbol(name=kind):
                return Ref(kind)
            case EnumSymbol(name=enum, members=members):
                return EnumType(enum, members)
            case AliasSymbol(node=aliased, module=module):
                return Annotations(self.loader, module).variable(aliased)
            case GlobalSymbol() | FunctionSymbol():
                raise self.refuse("K030", f"`{name}` is not a type", node)
            case Word("SetOf" | "ListOf" | "ArrayOf" | "Ref"):
                raise self.refuse("K030", f"{name} of what?", node, "", f"write `{name}[...]`")
        types = [
            n
            for n, s in self.module.symbols.items()
            if isinstance(s, (KindSymbol, EnumSymbol, AliasSymbol))
        ]
        hint = did_you_mean(name, [*types, "bool", "int", "Size", "Counter", "Process"])
        raise self.refuse("K030", f"there is no type `{name}`", node, "unknown type", hint)

    def _annotated(self, inner: ast.expr, extra: ast.expr, node: ast.expr) -> Type:
        match inner, extra:
            case ast.Name(id="int"), ast.Call(
                func=ast.Name(id="range"), args=[*ends], keywords=[]
            ) if len(ends) in (1, 2):
                numbers = [self.loader.constant(self.module, end).value for end in ends]
                lo, hi = (0, numbers[0]) if len(numbers) == 1 else numbers
                if not isinstance(lo, int) or not isinstance(hi, int) or hi <= lo:
                    raise self.refuse("K034", "this range is empty", extra)
                return Int(lo, hi - 1)
            case ast.Subscript(value=ast.Name(id="ArrayOf"), slice=element), length:
                number = self.loader.constant(self.module, length).value
                if not isinstance(number, int) or not 1 <= number <= 64:  # noqa: PLR2004
                    raise self.refuse("K032", "an array has 1 to 64 elements", length)
                return ArrayOf(self._scalar(element), number)
            case ast.Subscript(value=ast.Name(id="ListOf" | "SetOf")), _:
                return self.variable(inner)
        hint = "write `Annotated[int, range(4)]` or `Annotated[ArrayOf[...], 4]`"
        raise self.refuse("K034", "this annotation means nothing to a spec", node, "", hint)

    def _scalar(self, node: ast.expr) -> Type:
        element = self.variable(node)
        if isinstance(element, (ArrayOf, SetOf, ListOf)) or element in (SIZE, COUNTER):
            raise self.refuse("K031", "an array holds plain values or pointers", node)
        return element

    def _set(self, node: ast.expr) -> Type:
        element = self.variable(node)
        if isinstance(element, (ArrayOf, SetOf, ListOf)) or element in (SIZE, COUNTER, VOID):
            raise self.refuse(
                "K031", "a set holds objects, processes, or values of a small type", node
            )
        if isinstance(element, Int) and element.hi - element.lo >= 64:  # noqa: PLR2004
            hint = "write `SetOf[Annotated[int, range(8)]]`"
            raise self.refuse("K031", "a set of integers needs a small range", node, "", hint)
        return SetOf(element)

    def _unquoted(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inner = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                raise self.refuse("K030", "this is not a type", node) from None
            for part in ast.walk(inner):
                for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
                    if hasattr(part, name):
                        setattr(part, name, getattr(node, name))
            return inner
        return node

    def _is_word(self, name: str) -> bool:
        return self.module.symbols.get(name) == Word(name)
