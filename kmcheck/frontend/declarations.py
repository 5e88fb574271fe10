"""Classes, functions, globals and settings: what a module's statements define."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from kmcheck.diagnostics import Note, Span
from kmcheck.frontend.bounds import Bounds
from kmcheck.frontend.hints import did_you_mean
from kmcheck.frontend.report import Refused, Reporter
from kmcheck.frontend.settings import Settings
from kmcheck.frontend.source import keyword_span, name_span, span_of
from kmcheck.frontend.symbols import (
    AliasSymbol,
    Broken,
    ConstantSymbol,
    EnumSymbol,
    FunctionSymbol,
    GlobalSymbol,
    KindSymbol,
    Module,
    TypeVariable,
    Word,
)
from kmcheck.frontend.syntax import comes_to_end

ROLES = {
    "action",
    "always",
    "always_eventually",
    "conserved",
    "eventually",
    "finally_",
    "gate",
    "leads_to",
    "macro",
    "process",
    "setup",
    "step",
}

OPTIONS = {"process": ["limit", "daemon", "fair"], "action": ["fair"], "conserved": ["when"]}
"""The keywords that a role takes."""


class Declarations(Bounds):
    """Gives top-level names their meaning."""

    def __init__(self, reporter: Reporter, settings: Settings) -> None:
        super().__init__(reporter, settings)
        self.kinds: dict[str, KindSymbol] = {}
        self.globals: dict[str, GlobalSymbol] = {}
        self.functions: list[FunctionSymbol] = []

    def define(self, module: Module, name: str, symbol: object, node: ast.AST) -> None:
        """Give a top-level name its meaning.

        Raises:
            Refused: it has one already.
        """
        span = span_of(module.source, node)
        first = module.places.get(name)
        if first is not None and module.symbols[name] is not symbol:
            hint = f"it is defined at {first.source.path}:{first.line} already: choose another name"
            definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
            at = name_span(module.source, node) if definition else span
            also = (Note(first, "the first one"),)
            raise self.reporter.report("K013", f"`{name}` is defined twice", at, "", hint, also)
        module.symbols[name] = symbol  # type: ignore[assignment]
        module.places[name] = Span(span.source, span.line, span.column, span.line, span.end_column)

    def _class(self, module: Module, node: ast.ClassDef) -> None:
        bases = [module.symbols.get(b.id) if isinstance(b, ast.Name) else None for b in node.bases]
        if node.decorator_list:
            raise self.refuse(module, "K015", "a class takes no decorator", node.decorator_list[0])
        if any(isinstance(base, Broken) for base in bases):
            raise Refused
        if bases == [Word("Enum")]:
            self.define(module, node.name, self._enum(module, node), node)
        elif bases == [Word("Object")]:
            self._kind(module, node)
        else:
            hint = f"write `class {node.name}(Object):`, or `class {node.name}(Enum):`"
            title = "a class of a spec is an Object or an Enum"
            base = bases[0] if bases else None
            if isinstance(base, KindSymbol):
                title = f"a class cannot inherit from {base.name}"
                field = f"{base.name.lower()}: {base.name}"
                hint = f"embed it in a field, `{field}`, or point to it with a Ref"
            at = node.bases[0] if node.bases else node
            raise self.refuse(module, "K016", title, at, "", hint)

    def _enum(self, module: Module, node: ast.ClassDef) -> EnumSymbol:
        members: list[str] = []
        for statement in node.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)]):
                    if name in members:
                        title = f"`{name}` is a member of {node.name} already"
                        raise self.refuse(module, "K017", title, statement)
                    members.append(name)
                case ast.Expr(value=ast.Constant(value=str())):
                    pass
                case _:
                    hint = "write `NAME = auto()`, one a line"
                    raise self.refuse(
                        module, "K017", "an Enum has members and nothing else", statement, "", hint
                    )
        if not members:
            raise self.refuse(
                module, "K017", f"{node.name} has no members", node, "", "write `NAME = auto()`"
            )
        return EnumSymbol(node.name, tuple(members))

    def _kind(self, module: Module, node: ast.ClassDef) -> None:
        name = node.name
        if name in self.kinds:
            name = f"{node.name}({Path(module.source.path).stem})"
        kind = KindSymbol(name, module, node)
        self.define(module, node.name, kind, node)
        self.kinds[name] = kind
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                function = FunctionSymbol(statement.name, module, statement, "function", {}, kind)
                first = kind.methods.setdefault(statement.name, function)
                self.functions.append(function)
                with self.reporter.going_on():
                    if first is not function:
                        title = f"{node.name} has two methods `{statement.name}`"
                        raise self.refuse(module, "K013", title, statement)
                    self._method(module, statement)
                    self._refuse_no_value(module, statement)

    def _method(self, module: Module, node: ast.FunctionDef) -> None:
        """Refuse a method with a decorator, or with parameters that are no plain ones."""
        if node.decorator_list:
            hint = "a process, an action or a property is a function at the top level"
            raise self.refuse(
                module, "K018", "a method takes no decorator", node.decorator_list[0], "", hint
            )
        if not node.args.args and not node.args.posonlyargs:
            hint = f"write `def {node.name}(self)`"
            raise self.refuse(
                module, "K019", "a method's first parameter is `self`", node, "", hint
            )
        self._parameters(module, node)

    def _function(self, module: Module, node: ast.FunctionDef) -> None:
        role = "function"
        options: dict[str, ast.keyword] = {}
        for decorator in node.decorator_list:
            word, given = decorator, []
            if isinstance(decorator, ast.Call):
                word, given = decorator.func, decorator.keywords
            symbol = module.symbols.get(word.id) if isinstance(word, ast.Name) else None
            if isinstance(symbol, Broken):
                raise Refused
            if not isinstance(symbol, Word) or symbol.name not in ROLES:
                hint = "there is: " + ", ".join(f"@{r}" for r in sorted(ROLES))
                raise self.refuse(
                    module, "K018", "this decorator means nothing to a spec", decorator, "", hint
                )
            if role != "function":
                raise self.refuse(module, "K018", "a function has one decorator", decorator)
            role = symbol.name
            options = {k.arg or "**": k for k in given}
            if role == "leads_to":
                self._trigger(module, decorator)
            elif isinstance(decorator, ast.Call) and decorator.args:
                hint = "write `@process(limit=...)`" if role == "process" else ""
                title = f"@{role} takes keywords only"
                raise self.refuse(module, "K018", title, decorator.args[0], "", hint)
        self._options(module, node, role, options)
        self._refuse_no_value(module, node)
        plain = {name: keyword.value for name, keyword in options.items()}
        if role == "leads_to":
            plain["trigger"] = node.decorator_list[0].args[0]  # type: ignore[attr-defined]
        function = FunctionSymbol(node.name, module, node, role, plain)
        if any(function.key == other.key for other in self.functions):
            function = replace(function, home=Path(module.source.path).stem)
        self.define(module, node.name, function, node)
        self.functions.append(function)

    def _trigger(self, module: Module, decorator: ast.expr) -> None:
        """Refuse a @leads_to that does not name one function."""
        match decorator:
            case ast.Call(args=[ast.Name()], keywords=[]):
                return
        title = "@leads_to takes the function that says what it comes after"
        hint = "write `@leads_to(waits)` above the function that says what becomes true then"
        raise self.refuse(module, "K018", title, decorator, "", hint)

    def _refuse_no_value(self, module: Module, node: ast.FunctionDef) -> None:
        """Report a function that is to return a value and does not on every way through it."""
        nothing = node.returns is None or getattr(node.returns, "value", ...) is None
        if nothing or not comes_to_end(node.body):
            return
        last = node.body[-1]
        if isinstance(last, ast.Expr) and not isinstance(last.value, (ast.Call, ast.Constant)):
            hint = "write `return` before it"
            self.refuse(module, "K063", "this value is not returned", last, "", hint)
        else:
            title = f"`{node.name}` does not return a value on every way through it"
            self.refuse(module, "K063", title, node, "", "end it with `return ...`")

    def _options(
        self, module: Module, node: ast.FunctionDef, role: str, options: dict[str, ast.keyword]
    ) -> None:
        known = OPTIONS.get(role, [])
        for name, value in options.items():
            if name not in known:
                hint = did_you_mean(name, known) or f"@{role} takes none"
                at = keyword_span(module.source, value)
                raise self.reporter.report("K018", f"@{role} has no option `{name}`", at, "", hint)
        self._parameters(module, node)

    def _parameters(self, module: Module, node: ast.FunctionDef) -> None:
        given = node.args
        first = [given.posonlyargs and given.posonlyargs[0], given.vararg, given.kwarg]
        wrong: list[ast.AST] = [n for n in first if n]
        wrong += [*given.kwonlyargs, *given.defaults]
        if wrong:
            title = "a function of a spec has plain parameters only"
            hint = "neither defaults, `*`, `/` nor `**`: each call gives each argument, in order"
            raise self.refuse(module, "K019", title, wrong[0], "", hint)
        seen: set[str] = set()
        for parameter in given.args:
            if parameter.arg in seen:
                title = f"`{parameter.arg}` is a parameter already"
                raise self.refuse(module, "K013", title, parameter)
            seen.add(parameter.arg)

    def _assign(self, module: Module, name: str, value: ast.expr, node: ast.stmt) -> None:
        symbol: object
        called = (
            module.symbols.get(value.func.id)
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
            else None
        )
        if isinstance(called, Broken):
            raise Refused
        if isinstance(called, Word) and called.name in ("bound", "choice"):
            assert isinstance(value, ast.Call)
            symbol = self.setting(
                module, name, called.name, value, getattr(node, "annotation", None)
            )
        elif isinstance(called, Word) and called.name in ("PerCpu", "PerProcess"):
            assert isinstance(value, ast.Call)
            per = "cpu" if called.name == "PerCpu" else "process"
            symbol = self._group(module, name, per, value)
        elif isinstance(called, KindSymbol):
            assert isinstance(value, ast.Call)
            if value.args:
                hint = f"write `{called.node.name}(field=...)`"
                title = f"{called.name} takes its fields by name"
                raise self.refuse(module, "K055", title, value.args[0], "", hint)
            symbol = self._global(name, called.name, "system", module, tuple(value.keywords))
        elif (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id == "TypeVar"
        ):
            symbol = TypeVariable(name)
        elif isinstance(value, ast.Subscript) or (
            isinstance(value, ast.Name) and value.id in ("bool", "int")
        ):
            symbol = AliasSymbol(value, module)
        else:
            symbol = ConstantSymbol(self.constant(module, value))
        self.define(module, name, symbol, node)

    def _global(
        self, name: str, kind: str, per: str, module: Module, initial: tuple[ast.keyword, ...] = ()
    ) -> GlobalSymbol:
        key = name if name not in self.globals else f"{Path(module.source.path).stem}.{name}"
        self.globals[key] = GlobalSymbol(key, kind, per, module, initial)
        return self.globals[key]

    def _group(self, module: Module, name: str, per: str, call: ast.Call) -> GlobalSymbol:
        kind = (
            module.symbols.get(call.args[0].id)
            if len(call.args) == 1 and isinstance(call.args[0], ast.Name)
            else None
        )
        if isinstance(kind, Broken):
            raise Refused
        if not isinstance(kind, KindSymbol) or call.keywords:
            word = "PerCpu" if per == "cpu" else "PerProcess"
            raise self.refuse(
                module, "K021", f"{word} takes a class", call, "", f"write `{word}(Stock)`"
            )
        return self._global(name, kind.name, per, module)
