"""What an annotation says: the type of a variable, or the declaration of a field."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from kmcheck.frontend.hints import unknown_type
from kmcheck.frontend.modules import Loader
from kmcheck.frontend.report import Refused
from kmcheck.frontend.source import parse_expression
from kmcheck.frontend.symbols import (
    AliasSymbol,
    Broken,
    EnumSymbol,
    KindSymbol,
    Module,
    TypeVariable,
    Word,
)
from kmcheck.frontend.vocabulary import TAKING
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
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function in a field is called with (None: anything), and what it returns."""

    parameters: int | None
    returns: Type


@dataclass(frozen=True, slots=True)
class Argument:
    """What a parameter takes: a type, any (None), or statically a `class` or `function`.

    `object`: any object, of whichever class.
    """

    type: Type | None
    static: str | None = None
    object: bool = False


class Annotations:
    """Reads the annotations of one module."""

    def __init__(
        self, loader: Loader, module: Module, types: Mapping[str, Type] | None = None
    ) -> None:
        self.loader = loader
        self.module = module
        self.types = types or {}
        """What the type variables of a generic function stand for in this call of it."""

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
                if declared.type is None or isinstance(declared.type, Function):
                    title = "a ghost is a value: an object or a function cannot be one"
                    raise self.refuse("K033", title, inner)
                return Declaration(declared.type, None, ghost=True)
            case ast.Subscript(value=ast.Name(id="Callable"), slice=shape) if self._is_word(
                "Callable"
            ):
                signature = self._signature(shape)
                return Declaration(
                    Function(f"{owner}.{name}"), None, ghost=False, signature=signature
                )
            case ast.Name(id=word):
                symbol = self.module.symbols.get(word)
                if isinstance(symbol, KindSymbol):
                    return Declaration(None, symbol.name, ghost=False)
        kind = self.variable(node)
        if kind == VOID:
            raise self.refuse("K030", "a field that is always None holds nothing", node)
        return Declaration(kind, None, ghost=False)

    def _signature(self, shape: ast.expr) -> Signature:
        match shape:
            case ast.Tuple(elts=[ast.List(elts=parameters), returns]):
                return Signature(len(parameters), self.argument(returns).type or VOID)
            case ast.Tuple(elts=[ast.Constant(value=value), returns]) if value is ...:
                return Signature(None, self.argument(returns).type or VOID)
        hint = "write `Callable[[Work], None]`"
        raise self.refuse("K030", "what does this function take?", shape, "", hint)

    def argument(self, node: ast.expr) -> Argument:
        """Return what a parameter's annotation takes."""
        match self._unquoted(node):
            case ast.Subscript(value=ast.Name(id="type")):
                return Argument(None, "class")
            case ast.Subscript(value=ast.Name(id="Callable")) if self._is_word("Callable"):
                return Argument(None, "function")
            case ast.Name(id="Object") if self._is_word("Object"):
                return Argument(None, object=True)
            case ast.Name(id="object"):
                return Argument(None)
            case ast.Name(id=name) if isinstance(self.module.symbols.get(name), TypeVariable):
                return Argument(None)
            case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
                return self.argument(left)
        return Argument(self.variable(node))

    def variable(self, node: ast.expr) -> Type:
        """Return the type that an annotation names; an object's class stands for a pointer."""
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
            case ast.Subscript(value=ast.Name(id=name)) if name in TAKING and not self._is_word(
                name
            ):
                return self._named(name, plain.value)
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
            case ast.Subscript(value=ast.Name(id="Callable")) if self._is_word("Callable"):
                hint = "a function is kept in a field, or passed on to a function by its name"
                raise self.refuse("K030", "no variable holds a function", plain, "", hint)
            case ast.Subscript(value=ast.Name(id=name) as outer):
                return self._named(name, outer)
        numbers = "bool, int, Annotated[int, range(4)], Size, Counter"
        hint = f"{numbers}, a class, an Enum, Ref, SetOf, ListOf, ArrayOf"
        raise self.refuse("K030", "this is not a type", node, "", f"there is: {hint}")

    def _named(self, name: str, node: ast.expr) -> Type:
        if name in self.types:
            return self.types[name]
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
            case AliasSymbol(node=aliased, module=module) as alias:
                return self._alias(alias, name, node, Annotations(self.loader, module), aliased)
            case Broken():
                raise Refused
            case Word("SetOf" | "ListOf" | "ArrayOf" | "Ref"):
                raise self.refuse("K030", f"{name} of what?", node, "", f"write `{name}[...]`")
            case Word("Callable"):
                hint = "write `Callable[[Work], None]`"
                raise self.refuse("K030", "what does this function take?", node, "", hint)
            case None:
                pass
            case _:
                raise self.refuse("K030", f"`{name}` is not a type", node)
        types = [
            n
            for n, s in self.module.symbols.items()
            if isinstance(s, (KindSymbol, EnumSymbol, AliasSymbol))
        ]
        words = ["bool", "int", "Size", "Counter", "Process"]
        hint = unknown_type(name, [*types, *words])
        raise self.refuse("K030", f"there is no type `{name}`", node, "unknown type", hint)

    def _alias(
        self, alias: AliasSymbol, name: str, node: ast.expr, there: Annotations, aliased: ast.expr
    ) -> Type:
        if alias in self.loader.resolving:
            raise self.refuse("K030", f"`{name}` stands for itself", node)
        self.loader.resolving.append(alias)
        try:
            return there.variable(aliased)
        finally:
            self.loader.resolving.pop()

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
        if isinstance(element, (ArrayOf, SetOf, ListOf)) or element in (SIZE, COUNTER, VOID):
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
                inner = parse_expression(node.value)
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
