"""What fields and elements mean where an expression stands."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.hints import MANY, did_you_mean
from kmcheck.frontend.naming import Naming
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Alias, Local, Place
from kmcheck.frontend.source import keyword_span, tail_span
from kmcheck.frontend.symbols import FunctionSymbol, KindSymbol
from kmcheck.frontend.world import KindInfo
from kmcheck.ir.expr import Element, Embedded, Expr, Self
from kmcheck.ir.program import FieldInfo
from kmcheck.ir.types import INT16, ArrayOf, Ref, Type, article


class Fields(Naming):
    """Knows the fields of classes, and the elements of arrays."""

    def place(self, node: ast.expr, base: Expr, name: str) -> Place | Expr:
        """Return the field `name` of `base` as a place; of an embedded object, its address."""
        if not isinstance(base.type, Ref):
            title = f"{article(base.type)} has no field `{name}`"
            raise self.refuse_at("K043", title, self.tail(node, name), "not an object")
        info = self.world.kinds[base.type.kind]
        if name in info.embedded:
            return Embedded(base, base.type.kind, name, Ref(info.embedded[name]), self.span(node))
        if name in info.broken:
            raise Refused
        if name not in info.fields:
            if name in info.symbol.methods:
                title = f"`{name}` is a method: call it"
                hint = "what a field can hold is a function, which is given the object"
                raise self.refuse_at("K041", title, self.tail(node, name), "", hint)
            raise self._no_field(info, name, self.tail(node, name))
        if not _is_own(base):
            self.world.touch(base.type.kind, name)
        if info.fields[name].ghost and not self.in_ghost:
            hint = "read it in a property, or write it under `with ghost():`"
            raise self.refuse(
                "K044", f"`{name}` is a ghost: code must not depend on it", node, "", hint
            )
        return Place(base, base.type.kind, name, None, info.fields[name].type)

    def element(self, place: Place, index: Expr, node: ast.expr) -> Place:
        """Return an element of an array as a place."""
        if not isinstance(place.type, ArrayOf):
            raise self.refuse(
                "K045", f"only an array has elements: this is {article(place.type)}", node
            )
        at = self.fit(index, INT16, node, "an index")
        return Place(place.ref, place.kind, place.field, at, place.type.element)

    def _no_field(self, info: KindInfo, name: str, span: Span) -> Refused:
        known = [*info.fields, *info.embedded, *info.broken, *info.symbol.methods]
        title = f"{info.symbol.name} has no field `{name}`"
        return self.refuse_at("K012", title, span, "unknown field", did_you_mean(name, known))

    def changed_by(self, kind: Type) -> str:
        """Return a hint for who would store to an object: what its fields are changed by."""
        if not isinstance(kind, Ref):
            return ""
        symbol = self.world.kinds[kind.kind].symbol
        if not symbol.module.source.module:
            return f"write to its fields; a pointer is declared as `Ref[{symbol.node.name}]`"
        found = [f"{f.name}()" for f in self.world.loader.functions if _works_on(f, symbol)]
        return f"call {', '.join(found)}" if 0 < len(found) <= MANY else ""

    def named_field(self, kind: str, keyword: ast.keyword) -> FieldInfo:
        """Return the field that `Kind(field=...)` gives a value.

        Raises:
            Refused: there is no such field, or it is an embedded object.
        """
        info = self.world.kinds[kind]
        if keyword.arg is None:
            raise self.refuse(
                "K046", "`**` is not in the spec language", keyword, "", "name the fields"
            )
        if keyword.arg in info.broken:
            raise Refused
        if keyword.arg in info.fields:
            return info.fields[keyword.arg]
        span = keyword_span(self.frame.module.source, keyword)
        if keyword.arg in info.embedded:
            title = f"`{keyword.arg}` is embedded in {info.symbol.name}: it begins as zero"
            hint = "give its fields their values one by one, in setup"
            raise self.refuse_at("K020", title, span, "an object, not a value", hint)
        raise self._no_field(info, keyword.arg, span)

    def member(self, node: ast.expr) -> tuple[str, str]:
        """Return the class and the field that `Class.field` names."""
        if not isinstance(node, ast.Attribute):
            raise self.refuse(
                "K059", "name the field on its class", node, "", "write `Class.field`"
            )
        kind = self.kind(node.value)
        info = self.world.kinds[kind]
        if node.attr in info.broken:
            raise Refused
        if node.attr not in info.fields and node.attr not in info.embedded:
            raise self._no_field(info, node.attr, self.tail(node, node.attr))
        return kind, node.attr

    def tail(self, node: ast.expr, name: str) -> Span:
        """Return the place of the last `name` characters of a node: the attribute itself."""
        return tail_span(self.frame.module.source, node, name)

    def kind_of(self, node: ast.expr) -> str | None:
        """Return the class of the object that an expression names, without reporting anything."""
        match node:
            case ast.Name(id=name):
                binding = self.frame.names.get(name)
                kind: Type | None = None
                if isinstance(binding, (Local, Place)):
                    kind = binding.type
                elif isinstance(binding, Alias):
                    kind = binding.value.type
                else:
                    symbol = self.frame.module.symbols.get(name)
                    return getattr(symbol, "kind", None)
                return kind.kind if isinstance(kind, Ref) else None
            case ast.Attribute(value=base, attr=name):
                info = self.world.kinds.get(self.kind_of(base) or "")
                if info is None:
                    return None
                if name in info.embedded:
                    return info.embedded[name]
                declared = info.fields[name].type if name in info.fields else None
                return declared.kind if isinstance(declared, Ref) else None
        return None


def _works_on(function: FunctionSymbol, kind: KindSymbol) -> bool:
    """Tell whether a function is one of those that a library's class is handed to."""
    given = function.node.args.args
    first = given[0].annotation if given else None
    named = isinstance(first, ast.Name) and first.id == kind.node.name
    return named and function.module is kind.module and not function.name.startswith("_")


def _is_own(base: Expr) -> bool:
    return isinstance(base, Element) and isinstance(base.index, Self)
