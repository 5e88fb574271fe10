"""The files of a spec: the spec itself, what it imports, and what their top-level names mean."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kmcheck import lang
from kmcheck.diagnostics import Source, Span, SpecError, UsageError
from kmcheck.frontend.report import Refused, Reporter, did_you_mean
from kmcheck.frontend.settings import Settings
from kmcheck.frontend.source import parse, read, span_of
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
from kmcheck.ir.expr import Const
from kmcheck.ir.types import BOOL, EnumType, Int, show

BUILTINS = {"all", "any", "bool", "int", "len", "max", "min", "object", "range", "sum", "type"}
ROLES = {"process", "action", "setup", "always", "finally_", "conserved", "step", "macro"}
PACKAGE = Path(__file__).resolve().parent.parent


class Loader:
    """Reads the files and gives every top-level name its meaning."""

    def __init__(self, reporter: Reporter, settings: Settings) -> None:
        self.reporter = reporter
        self.settings = settings
        self.modules: dict[str, Module] = {}
        self.kinds: dict[str, KindSymbol] = {}
        self.globals: dict[str, GlobalSymbol] = {}
        self.functions: list[FunctionSymbol] = []
        self.resolving: list[AliasSymbol] = []
        """The names of types that are being looked up, to see one that stands for itself."""

    def load(self, source: Source) -> Module:
        """Load a spec and all that it imports."""
        module = Module(source, parse(source))
        self.modules[source.module or str(Path(source.path))] = module
        for statement in module.tree.body:
            with self.reporter.going_on():
                self._top_level(module, statement)
                continue
            for name in _defined(statement):
                module.symbols.setdefault(name, Broken())
        module.complete = True
        return module

    def refuse(
        self, module: Module, code: str, title: str, node: ast.AST, label: str = "", hint: str = ""
    ) -> Refused:
        """Note what is wrong at a node."""
        return self.reporter.refuse(code, title, (module.source, node), label, hint)

    def span(self, module: Module, node: ast.AST) -> Span:
        """Return where a node of a module stands."""
        return span_of(module.source, node)

    def _top_level(self, module: Module, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Import():
                hint = "write `from kmcheck.lang import ...`, naming what is used"
                raise self.refuse(
                    module, "K010", "a spec imports names, not modules", node, "", hint
                )
            case ast.ImportFrom():
                self._import(module, node)
            case ast.ClassDef():
                self._class(module, node)
            case ast.FunctionDef():
                self._function(module, node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(module, name, value, node)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assign(module, name, value, node)
            case _:
                title = f"{_named(node)} cannot stand at the top level of a spec"
                hint = "there are imports, classes, constants, globals and functions here"
                raise self.refuse(module, "K011", title, node, "", hint)

    def define(self, module: Module, name: str, symbol: object, node: ast.AST) -> None:
        """Give a top-level name its meaning.

        Raises:
            Refused: it has one already.
        """
        span = span_of(module.source, node)
        first = module.places.get(name)
        if first is not None and module.symbols[name] is not symbol:
            hint = f"it is defined at {first.source.path}:{first.line} already: choose another name"
            raise self.refuse(module, "K013", f"`{name}` is defined twice", node, "", hint)
        module.symbols[name] = symbol  # type: ignore[assignment]
        module.places[name] = Span(span.source, span.line, span.column, span.line, span.end_column)

    # --- imports ----------------------------------------------------------------------------------

    def _import(self, module: Module, node: ast.ImportFrom) -> None:
        name = node.module or ""
        if name == "__future__":
            return
        if name == "kmcheck.lang":
            self._import_words(module, node)
            return
        imported = self._module(module, node, name)
        for alias in node.names:
            known = alias.asname or alias.name
            with self.reporter.going_on():
                if alias.name == "*":
                    raise self.refuse(
                        module, "K010", "a spec names what it imports", alias, "", "list the names"
                    )
                if alias.name not in imported.symbols or alias.name.startswith("__"):
                    public = [n for n in imported.symbols if not n.startswith("_")]
                    title = f"{imported.source.path if not imported.source.module else name} has no `{alias.name}`"
                    raise self.refuse(
                        module,
                        "K012",
                        title,
                        alias,
                        "unknown name",
                        did_you_mean(alias.name, public),
                    )
                self.define(module, known, imported.symbols[alias.name], alias)
                continue
            module.symbols.setdefault(known, Broken())

    def _import_words(self, module: Module, node: ast.ImportFrom) -> None:
        for alias in node.names:
            with self.reporter.going_on():
                if alias.name not in lang.__all__:
                    hint = did_you_mean(alias.name, lang.__all__)
                    raise self.refuse(
                        module,
                        "K012",
                        f"kmcheck.lang has no `{alias.name}`",
                        alias,
                        "unknown word",
                        hint,
                    )
                if alias.asname not in (None, alias.name):
                    title = f"`{alias.name}` is a word of the language: it cannot be renamed"
                    raise self.refuse(module, "K010", title, alias)
                symbol = TypeVariable(alias.name) if alias.name in ("O", "T") else Word(alias.name)
                self.define(module, alias.name, symbol, alias)
                continue
            module.symbols.setdefault(alias.asname or alias.name, Broken())

    def _module(self, module: Module, node: ast.ImportFrom, name: str) -> Module:
        if name.startswith("kmcheck.kernel.") and not node.level:
            path = (
                PACKAGE
                / "kernel"
                / (name.removeprefix("kmcheck.kernel.").replace(".", "/") + ".py")
            )
            known = [f"kmcheck.kernel.{p.stem}" for p in (PACKAGE / "kernel").glob("[a-z]*.py")]
            return self._other(module, node, path, name, name, known)
        if name == "kmcheck.kernel" or (
            not node.level and name.split(".", maxsplit=1)[0] == "kmcheck"
        ):
            hint = "import from kmcheck.lang, or from a file of kmcheck.kernel"
            raise self.refuse(module, "K010", f"a spec cannot import from `{name}`", node, "", hint)
        here = Path(module.source.path).parent
        if node.level > 1 or "." in name or not name:
            hint = "a spec may import from kmcheck.lang, from kmcheck.kernel and from spec files beside it"
            raise self.refuse(
                module,
                "K010",
                f"a spec cannot import from `{'.' * node.level}{name}`",
                node,
                "",
                hint,
            )
        known = [p.stem for p in here.glob("*.py")]
        return self._other(module, node, here / f"{name}.py", str(here / f"{name}.py"), "", known)

    def _other(  # noqa: PLR0913
        self,
        module: Module,
        node: ast.ImportFrom,
        path: Path,
        key: str,
        dotted: str,
        known: list[str],
    ) -> Module:
        if key in self.modules:
            if not self.modules[key].complete:
                raise self.refuse(module, "K014", "these files import each other", node)
            return self.modules[key]
        try:
            shown = f"kmcheck/kernel/{path.name}" if dotted else str(path)
            text = read(str(path), dotted)
            return self.load(Source(shown, text.text, dotted))
        except UsageError:
            hint = did_you_mean(node.module or "", known)
            if not hint:
                hint = "a spec may import from kmcheck.lang, from kmcheck.kernel and from spec files beside it"
            raise self.refuse(
                module, "K010", f"there is no `{node.module}` to import from", node, "", hint
            ) from None
        except SpecError as error:
            for d in error.diagnostics:
                self.reporter.report(d.code, d.title, d.span, d.label, d.hint)
            raise Refused from None

    # --- classes and functions ----------------------------------------------------------------------

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
            hint = "write `class Name(Object):`, or `class Name(Enum):`"
            at = node.bases[0] if node.bases else node
            raise self.refuse(
                module, "K016", "a class of a spec is an Object or an Enum", at, "", hint
            )

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
        role, options = "function", {}
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
            options = {k.arg or "**": k.value for k in given}
            if isinstance(decorator, ast.Call) and decorator.args:
                raise self.refuse(module, "K018", f"@{role} takes keywords only", decorator.args[0])
        self._options(module, node, role, options)
        function = FunctionSymbol(node.name, module, node, role, options)
        if any(function.key == other.key for other in self.functions):
            function = replace(function, home=Path(module.source.path).stem)
        self.define(module, node.name, function, node)
        self.functions.append(function)

    def _options(
        self, module: Module, node: ast.FunctionDef, role: str, options: dict[str, ast.expr]
    ) -> None:
        known = {"process": ["limit", "daemon"], "conserved": ["when"]}.get(role, [])
        for name, value in options.items():
            if name not in known:
                hint = did_you_mean(name, known) or f"@{role} takes none"
                raise self.refuse(
                    module, "K018", f"@{role} has no option `{name}`", value, "", hint
                )
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

    # --- constants ------------------------------------------------------------------------------------

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
            symbol = self._setting(module, name, called.name, value)
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

    def _setting(self, module: Module, name: str, word: str, call: ast.Call) -> ConstantSymbol:
        doc = call.args[1] if len(call.args) == 2 else None  # noqa: PLR2004
        if not isinstance(doc, ast.Constant) or not isinstance(doc.value, str) or call.keywords:
            hint = f'write `{name} = {word}(default, "what it is")`'
            raise self.refuse(
                module, "K022", f"{word} takes a default and what it is for", call, "", hint
            )
        span = span_of(module.source, call)
        default = self.constant(module, call.args[0])
        if isinstance(default.type, Int) and word == "bound":
            return ConstantSymbol(self.settings.bound(name, int(default.value), doc.value, span))  # type: ignore[arg-type]
        if default.type == BOOL and word == "choice":
            return ConstantSymbol(
                self.settings.choice(name, bool(default.value), None, doc.value, span)
            )
        if isinstance(default.type, EnumType) and word == "choice":
            enum = EnumSymbol(default.type.name, default.type.members)
            member = enum.members[int(default.value)]  # type: ignore[arg-type]
            return ConstantSymbol(self.settings.choice(name, member, enum, doc.value, span))
        wanted = "a whole number" if word == "bound" else "True, False or a member of an Enum"
        raise self.refuse(module, "K022", f"the default of a {word} is {wanted}", call.args[0])

    def constant(self, module: Module, node: ast.expr) -> Const:
        """Return the value of a constant expression.

        Raises:
            Refused: it is none.
        """
        span = span_of(module.source, node)
        match node:
            case ast.Constant(value=bool() as flag):
                return Const(int(flag), BOOL, span)
            case ast.Constant(value=int() as number):
                if abs(number) >= 2**31:
                    raise self.refuse(module, "K023", "this number does not fit 32 bits", node)
                return Const(number, Int(number, number), span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._whole(module, operand)
                return Const(-value, Int(-value, -value), span)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Const(int(not self.constant(module, operand).value), BOOL, span)
            case ast.BinOp(
                left=left,
                op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv() | ast.Mod() as op,
                right=right,
            ):
                a, b = self._whole(module, left), self._whole(module, right)
                if b == 0 and isinstance(op, (ast.FloorDiv, ast.Mod)):
                    raise self.refuse(module, "K023", "this divides by zero", right)
                value = _ARITHMETIC[type(op)](a, b)
                if abs(value) >= 2**31:
                    raise self.refuse(module, "K023", f"{value} does not fit 32 bits", node)
                return Const(value, Int(value, value), span)
            case ast.BoolOp(op=op, values=values):
                flags = [bool(self.constant(module, v).value) for v in values]
                return Const(int(all(flags) if isinstance(op, ast.And) else any(flags)), BOOL, span)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                one, other = self.constant(module, left), self.constant(module, right)
                if type(one.type) is not type(other.type):
                    title = f"{show(one.type)} and {show(other.type)} are not compared"
                    raise self.refuse(module, "K024", title, node)
                return Const(int(_COMPARISONS[type(op)](one.value, other.value)), BOOL, span)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.constant(module, body if self.constant(module, test).value else orelse)
            case ast.Call(
                func=ast.Name(id="min" | "max" as name), args=[first, second], keywords=[]
            ):
                a, b = self._whole(module, first), self._whole(module, second)
                value = min(a, b) if name == "min" else max(a, b)
                return Const(value, Int(value, value), span)
            case ast.Name(id=name):
                symbol = module.symbols.get(name)
                if isinstance(symbol, ConstantSymbol):
                    return symbol.value
                if isinstance(symbol, Broken):
                    raise Refused
            case ast.Attribute(value=ast.Name(id=name), attr=member):
                enum = module.symbols.get(name)
                if isinstance(enum, EnumSymbol):
                    return self.enum_member(module, enum, member, node)
                if isinstance(enum, Broken):
                    raise Refused
        hint = "numbers, True and False, members of an Enum, bounds, choices and arithmetic on them"
        raise self.refuse(module, "K024", "this is not a constant", node, "", hint)

    def enum_member(self, module: Module, enum: EnumSymbol, member: str, node: ast.expr) -> Const:
        """Return a member of an enumeration as a constant."""
        if member not in enum.members:
            hint = did_you_mean(member, enum.members)
            raise self.refuse(
                module, "K012", f"{enum.name} has no member `{member}`", node, "", hint
            )
        kind = EnumType(enum.name, enum.members)
        return Const(enum.members.index(member), kind, span_of(module.source, node))

    def _whole(self, module: Module, node: ast.expr) -> int:
        value = self.constant(module, node)
        if not isinstance(value.type, Int):
            raise self.refuse(module, "K024", "this is no whole number", node)
        return int(value.value)  # type: ignore[arg-type]


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Is: lambda a, b: a == b,
    ast.IsNot: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,  # type: ignore[operator]
    ast.LtE: lambda a, b: a <= b,  # type: ignore[operator]
    ast.Gt: lambda a, b: a > b,  # type: ignore[operator]
    ast.GtE: lambda a, b: a >= b,  # type: ignore[operator]
}


def _named(node: ast.AST) -> str:
    names = {
        "AsyncFunctionDef": "`async def`", "With": "`with`", "For": "a loop", "While": "a loop", "If": "`if`",
        "Try": "`try`", "Expr": "an expression", "Delete": "`del`", "Assign": "this assignment",
        "AnnAssign": "a declaration without a value", "AugAssign": "an augmented assignment", "Match": "`match`",
        "Raise": "`raise`", "Return": "`return`", "Pass": "`pass`",
    }  # fmt: skip
    return names.get(type(node).__name__, f"`{type(node).__name__.lower()}`")


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a top-level statement was to define."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [a.asname or a.name.partition(".")[0] for a in node.names]
    inner = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.FunctionDef, ast.ClassDef))]
    names = [n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return names + [n.name for n in inner if not isinstance(n, ast.Name)]
