"""The files of a spec: the spec itself, and what it imports."""

from __future__ import annotations

import ast
from pathlib import Path

from kmcheck import lang
from kmcheck.diagnostics import Source, SpecError, UsageError
from kmcheck.frontend.declarations import Declarations
from kmcheck.frontend.hints import IMPORTABLE, no_such_file, not_there
from kmcheck.frontend.report import Refused, Reporter
from kmcheck.frontend.settings import Settings
from kmcheck.frontend.source import parse, read
from kmcheck.frontend.symbols import (
    Broken,
    Module,
    TypeVariable,
    Word,
)
from kmcheck.frontend.syntax import defined_names, is_setup

PACKAGE = Path(__file__).resolve().parent.parent


class Loader(Declarations):
    """Reads the files and gives every top-level name its meaning."""

    def __init__(self, reporter: Reporter, settings: Settings) -> None:
        super().__init__(reporter, settings)
        self.modules: dict[str, Module] = {}
        self.setup_refused = False
        """Whether a function that was to be the setup is wrong, so that none is missing."""

    def load(self, source: Source) -> Module:
        """Load a spec and all that it imports."""
        module = Module(source, parse(source))
        self.modules[source.module or str(Path(source.path))] = module
        for statement in module.tree.body:
            with self.reporter.going_on():
                self._top_level(module, statement)
                continue
            for name in defined_names(statement):
                module.symbols.setdefault(name, Broken())
            self.setup_refused |= is_setup(statement)
        module.complete = True
        return module

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
                    for each, symbol in imported.symbols.items():
                        module.symbols.setdefault(each, symbol)
                    raise self._all_of(module, alias)
                if alias.name not in imported.symbols or alias.name.endswith("__"):
                    public = [n for n in imported.symbols if not n.startswith("_")]
                    hint = not_there(alias.name, public)
                    owner = name if imported.source.module else imported.source.path
                    title = f"{owner} has no `{alias.name}`"
                    raise self.refuse(module, "K012", title, alias, "unknown name", hint)
                self.define(module, known, imported.symbols[alias.name], alias)
                continue
            module.symbols.setdefault(known, Broken())

    def _all_of(self, module: Module, alias: ast.alias) -> Refused:
        title = "a spec names what it imports"
        return self.refuse(module, "K010", title, alias, "", "list the names")

    def _import_words(self, module: Module, node: ast.ImportFrom) -> None:
        for alias in node.names:
            with self.reporter.going_on():
                if alias.name == "*":
                    for word in lang.__all__:
                        module.symbols.setdefault(word, self._word(word))
                    raise self._all_of(module, alias)
                if alias.name not in lang.__all__:
                    hint = not_there(alias.name, lang.__all__)
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
                self.define(module, alias.name, self._word(alias.name), alias)
                continue
            module.symbols.setdefault(alias.asname or alias.name, Broken())

    def _word(self, name: str) -> Word | TypeVariable:
        return TypeVariable(name) if name in ("O", "T") else Word(name)

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
            hint = IMPORTABLE
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

    def _other(
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
                itself = self.modules[key] is module
                title = "this file imports itself" if itself else "these files import each other"
                hint = "" if itself else "move what both need to a file of its own"
                raise self.refuse(module, "K014", title, node, "", hint)
            return self.modules[key]
        try:
            text = self._text(module, node, path, dotted, known)
            shown = f"kmcheck/kernel/{path.name}" if dotted else str(path)
            return self.load(Source(shown, text.text, dotted))
        except SpecError as error:
            for d in error.diagnostics:
                self.reporter.report(d.code, d.title, d.span, d.label, d.hint)
            raise Refused from None

    def _text(
        self, module: Module, node: ast.ImportFrom, path: Path, dotted: str, known: list[str]
    ) -> Source:
        """Read a file that is imported.

        Raises:
            Refused: there is none.
            SpecError: it is not UTF-8 text.
        """
        try:
            return read(str(path), dotted)
        except UsageError:
            hint = no_such_file(node.module or "", known, [alias.name for alias in node.names])
            raise self.refuse(
                module, "K010", f"there is no `{node.module}` to import from", node, "", hint
            ) from None


def _named(node: ast.AST) -> str:
    names = {
        "AsyncFunctionDef": "`async def`",
        "With": "`with`",
        "For": "a loop",
        "While": "a loop",
        "If": "`if`",
        "Try": "`try`",
        "Expr": "an expression",
        "Delete": "`del`",
        "Assign": "this assignment",
        "AnnAssign": "a declaration without a value",
        "AugAssign": "an augmented assignment",
        "Match": "`match`",
        "Raise": "`raise`",
        "Return": "`return`",
        "Pass": "`pass`",
    }
    return names.get(type(node).__name__, f"`{type(node).__name__.lower()}`")
