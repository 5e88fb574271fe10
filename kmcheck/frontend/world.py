"""What all processes of a spec share while it is lowered: kinds, functions in fields, globals."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from kmcheck.diagnostics import Source, Span
from kmcheck.frontend.annotations import Annotations, Signature
from kmcheck.frontend.lock_order import Edge
from kmcheck.frontend.modules import Loader
from kmcheck.frontend.report import GivenUp, Refused, Reporter
from kmcheck.frontend.sizes import Sizes
from kmcheck.frontend.source import keyword_span, span_of
from kmcheck.frontend.symbols import FunctionSymbol, GlobalSymbol, KindSymbol, Module
from kmcheck.ir.program import FieldInfo
from kmcheck.ir.types import Function

MOST_LOWERED = 50_000
"""Expressions of a spec, with each function counted where it is called."""

LOCKDEP = "kmcheck.kernel.lockdep"
"""What is only there where its init function is called."""

CPU = "kmcheck.kernel.cpu"
"""What is only there where a gate is."""

MOST_EMBEDDED = 64
"""Objects that live in one object."""


@dataclass(slots=True)
class KindInfo:
    """A kind's declarations, read."""

    symbol: KindSymbol
    fields: dict[str, FieldInfo] = field(default_factory=dict)
    embedded: dict[str, str] = field(default_factory=dict)
    embedding: dict[str, ast.expr] = field(default_factory=dict)
    """Where a class is embedded, for each that is."""
    broken: set[str] = field(default_factory=set)
    """Fields whose declaration was refused: naming them is not reported again."""
    limit: ast.expr | None = None


@dataclass(slots=True)
class Locks:
    """What is known of the locks of a spec whose order is checked."""

    kinds: dict[str, int] = field(default_factory=dict)
    """The kinds of locks, each with the highest subclass that one of it is taken as."""
    edges: tuple[Edge, ...] = ()
    """Which locks have been found to be taken while which are held."""
    messages: dict[str, tuple[str, str]] = field(default_factory=dict)
    checked: bool = True
    """Whether somebody wants to know."""


class World:
    """The kinds and what is learnt about them while lowering.

    Two things are only known when all code is lowered: which functions a field may hold, and
    which fields of a per-process record others touch. `changed` says that a pass learnt one:
    then all is lowered again.
    """

    def __init__(self, loader: Loader, reporter: Reporter) -> None:
        self.loader = loader
        self.reporter = reporter
        self.kinds: dict[str, KindInfo] = {}
        self.candidates: dict[str, list[FunctionSymbol]] = {}
        self.signatures: dict[str, Signature] = {}
        """What the functions in a field are called with, and return."""
        self.shared: set[tuple[str, str]] = set()
        self.per_process = {g.kind for g in loader.globals.values() if g.per == "process"}
        self.allocated: set[str] = set()
        self.uninitialised: set[str] = set()
        self.started: set[str] = set()
        self.stated: dict[Span, bool] = {}
        """The statements of this pass, and whether any way leads to them with these settings."""
        self.left_out: set[str] = set()
        """Processes that are started where a choice prunes the start."""
        self.called: set[str] = set()
        """Functions that are called somewhere, be it where a choice prunes the call."""
        self.met: set[str] = set()
        """Functions whose code was lowered, in a process or in an expression."""
        self.pruned: set[str] = set()
        """Functions that a choice keeps from being stored anywhere."""
        self.stepping: set[str] = set()
        """Functions with a step of their own: where a process may be between two steps."""
        self.asked: list[tuple[Span, FunctionSymbol]] = []
        """Whom `inside` and `within` ask for, and where."""
        self.bound: set[str] = set()
        """Processes that are started on a CPU."""
        self.gates = [f for f in loader.functions if f.role == "gate"]
        """The conditions on every step of those."""
        self.made: set[str] = set()
        """Functions that are called, and not only where a choice prunes the call."""
        self.questioned: set[str] = set()
        """Functions of which it is asked whether they are called."""
        self.locks = Locks()
        self.cells = 0
        self.changed = False
        self.spent = 0
        """How much has been lowered in this pass, calls written out."""
        self.at = Span(Source("", ""), 1, 1, 1, 1)
        """The process or property that is being lowered."""
        self.sizes = Sizes()
        self.frozen = False
        """Whether all has been learnt: what is lowered from now on is only checked."""

    def read_kinds(self) -> None:
        """Read the annotations of every class."""
        for name, symbol in self.loader.kinds.items():
            self.kinds[name] = KindInfo(symbol)
        for info in self.kinds.values():
            with self.reporter.going_on():
                self._read_kind(info)
        self._refuse_nesting()

    def _read_kind(self, info: KindInfo) -> None:
        symbol, module = info.symbol, info.symbol.module
        annotations = Annotations(self.loader, module)
        for keyword in symbol.node.keywords:
            if keyword.arg == "limit":
                info.limit = keyword.value
            else:
                at = keyword_span(module.source, keyword)
                title = f"a class has no option `{keyword.arg or '**'}`"
                self.reporter.report("K018", title, at, "", "there is one: `limit`")
        for node in symbol.node.body:
            with self.reporter.going_on():
                match node:
                    case ast.AnnAssign(target=ast.Name(id=name), value=None):
                        info.broken.add(name)
                        self._read_field(info, annotations, name, node)
                        info.broken.discard(name)
                    case ast.FunctionDef() | ast.Pass() | ast.Expr(value=ast.Constant()):
                        pass
                    case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                        info.broken.add(name)
                        hint = "a field begins as zero; give it a value in `T(field=...)`"
                        raise self._refuse(
                            module, "K025", "a field has no default", value, "", hint
                        )
                    case _:
                        hint = "write `name: Type`, one a line, and methods"
                        raise self._refuse(
                            module, "K025", "a class has fields and methods", node, "", hint
                        )

    def _read_field(
        self, info: KindInfo, annotations: Annotations, name: str, node: ast.AnnAssign
    ) -> None:
        module = info.symbol.module
        if name in info.fields or name in info.embedded or name in info.symbol.methods:
            raise self._refuse(module, "K013", f"the field `{name}` is declared twice", node)
        declared = annotations.field(node.annotation, info.symbol.name, name)
        if declared.embedded is not None:
            info.embedded[name] = declared.embedded
            info.embedding[declared.embedded] = node.annotation
        elif declared.type is not None:
            if isinstance(declared.type, Function) and declared.signature is not None:
                self.signatures[declared.type.key] = declared.signature
            private = (
                info.symbol.name in self.per_process and (info.symbol.name, name) not in self.shared
            )
            info.fields[name] = FieldInfo(
                declared.type, declared.ghost, private, span_of(module.source, node)
            )

    def _refuse_nesting(self) -> None:
        """Refuse classes that are embedded in themselves, and those with too much embedded."""
        for name, info in self.kinds.items():
            seen, ahead = set(), list(info.embedded.values())
            while ahead:
                inner = ahead.pop()
                if inner == name:
                    hint = f'a pointer is written `Ref["{name}"]`'
                    at = info.embedding.get(name, info.symbol.node)
                    title = f"{name} is embedded in itself"
                    self._refuse(info.symbol.module, "K026", title, at, "", hint)
                    self._forget_embedded(info)
                    break
                if inner not in seen and inner in self.kinds:
                    seen.add(inner)
                    ahead.extend(self.kinds[inner].embedded.values())
        for info in self.kinds.values():
            self._refuse_many(info)

    def _forget_embedded(self, info: KindInfo) -> None:
        info.broken.update(info.embedded)
        info.embedded.clear()

    def _refuse_many(self, info: KindInfo) -> None:
        """Refuse a class whose objects have too many others inside."""
        number, ahead = 0, list(info.embedded.values())
        while ahead and number <= MOST_EMBEDDED:
            number += 1
            ahead.extend(self.kinds[ahead.pop()].embedded.values())
        if number > MOST_EMBEDDED:
            title = f"more than {MOST_EMBEDDED} objects are embedded in each {info.symbol.name}"
            hint = "point to what does not live in it by a Ref"
            self._refuse(info.symbol.module, "K027", title, info.symbol.node, "", hint)
            self._forget_embedded(info)

    def _refuse(
        self, module: Module, code: str, title: str, node: ast.AST, label: str = "", hint: str = ""
    ) -> Refused:
        return self.loader.refuse(module, code, title, node, label, hint)

    def function_code(self, key: str, function: FunctionSymbol) -> int:
        """Return the encoding of a function in a field, adding it to those the field may hold."""
        known = self.candidates.setdefault(key, [])
        if function not in known:
            known.append(function)
            self.changed = True
        return known.index(function) + 1

    def touch(self, kind: str, name: str) -> None:
        """Note that a field of a per-process record is touched by others than its owner."""
        if not self.frozen and kind in self.per_process and (kind, name) not in self.shared:
            self.shared.add((kind, name))
            info = self.kinds[kind].fields[name]
            self.kinds[kind].fields[name] = FieldInfo(
                info.type, info.ghost, private=False, span=info.span
            )
            self.changed = True

    def spend(self, amount: int) -> None:
        """Note that so many more expressions are lowered.

        Raises:
            GivenUp: it is too much.
        """
        self.spent += amount
        if self.spent > MOST_LOWERED:
            title = f"all calls written out, there are more than {MOST_LOWERED:,} expressions"
            self.reporter.report("K095", title, self.at, "", "call less: each call is a copy")
            raise GivenUp

    def learn(self, known: set[str], fact: str) -> None:
        """Add a fact about a kind or a process."""
        if fact not in known:
            known.add(fact)
            self.changed = True

    @property
    def globals(self) -> list[GlobalSymbol]:
        """All globals, without those of primitives that the spec has not asked for."""
        absent = set() if f"{LOCKDEP}.lockdep_init" in self.made else {LOCKDEP}
        if not self.gates:
            absent.add(CPU)
        every = self.loader.globals.values()
        return [g for g in every if g.module.source.module not in absent]

    def make(self, function: str) -> None:
        """Note that a function is called."""
        if function == f"{LOCKDEP}.lockdep_init" and not self.locks.checked:
            return
        if function in self.questioned and function not in self.made:
            self.changed = True
        self.made.add(function)

    def refuse_idle(self) -> None:
        """Refuse to ask who is inside of a function that nobody can be inside of."""
        for span, function in self.asked:
            if (
                function.role in ("process", "action")
                or function.key in self.stepping | self.pruned
            ):
                continue
            hint = f'let it take a step: `pause("{function.name}")` is one that touches nothing'
            title = f"nobody is ever inside of `{function.name}`: it has no step of its own"
            if function.key not in self.called:
                title, hint = f"nobody is ever inside of `{function.name}`: no process calls it", ""
            self.reporter.report("K082", title, span, "always false", hint)

    def cell(self) -> int:
        """Return a new quantifier variable."""
        self.cells += 1
        return self.cells - 1

    def holds_functions(self, kind: str, name: str) -> bool:
        """Tell whether a field holds functions."""
        info = self.kinds[kind].fields.get(name)
        return info is not None and isinstance(info.type, Function)
