"""Statements in a process's code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

from kmcheck.frontend.annotations import Annotations
from kmcheck.frontend.hints import statement_instead, with_a_call
from kmcheck.frontend.loops import Loops
from kmcheck.frontend.report import Refused
from kmcheck.frontend.scope import Frame, Local, Loop
from kmcheck.frontend.symbols import Broken
from kmcheck.frontend.vocabulary import BLOCKS, EFFECTS
from kmcheck.ir.code import Assign
from kmcheck.ir.expr import Const
from kmcheck.ir.types import INT16, VOID, Int


class Statements(Loops):
    """Lowers statements."""

    def body(self, statements: list[ast.stmt]) -> None:
        """Lower statements, going on behind those that are refused."""
        for statement in statements:
            try:
                self._statement(statement)
            except Refused:
                self._recover(statement)

    def _recover(self, statement: ast.stmt) -> None:
        """Go on with what a refused statement has inside, and with the names that it assigns."""
        self.frame.broken = True
        if isinstance(statement, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
            if isinstance(statement, ast.For):
                self._break_names(statement.target)
            self.dead += 1
            self.frame.loops.append(Loop(0, 0, self.in_ghost))
            self.body(_inside(statement))
            self.frame.loops.pop()
            self.dead -= 1
        self._break_names(statement)

    def _break_names(self, statement: ast.AST) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.frame.names.setdefault(node.id, Broken())

    def _statement(self, node: ast.stmt) -> None:
        self.world.spend(1)
        mark = self.builder.mark()
        if self.builder.ended:
            self.builder.at(self.builder.draft(self.span(node)))
        self.builder.statements.append((self.span(node), self.builder.current))
        if self._writes_ghost(node):
            with self._ghost(node):
                self._lower(node)
        else:
            self._lower(node)
        if not (isinstance(node, ast.Return) and self.frame.exit is None):
            self.builder.release(mark)

    def _lower(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value=ast.Call() as call):
                self.call(call)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, value, None, node)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                kind = self.annotations().variable(annotation)
                self._annotated(target, value, kind, node)
            case ast.AugAssign(target=target, op=op, value=value):
                self._augmented(target, op, value, node)
            case ast.If(test=test, body=body, orelse=orelse):
                self._if(test, body, orelse, node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.With():
                self._with(node)
            case ast.Return(value=value):
                self._refuse_leaving(node, stays=self.frame.real is None)
                self._return(value, node)
            case ast.Break() | ast.Continue():
                if not self.frame.loops:
                    word = type(node).__name__.lower()
                    raise self.refuse("K072", f"`{word}` stands outside of a loop", node)
                loop = self.frame.loops[-1]
                self._refuse_leaving(node, stays=loop.ghost)
                self.builder.jump(loop.out if isinstance(node, ast.Break) else loop.again)
                if isinstance(node, ast.Break):
                    loop.left_with.append(set(self.frame.sure))
            case ast.Assert(test=test, msg=message):
                text = self._text(message) if message is not None else ast.unparse(test)
                self.check(test, "assertion", text, node)
            case _:
                raise self._unknown_statement(node)

    def _unknown_statement(self, node: ast.stmt) -> Refused:
        what, hint = statement_instead(node)
        return self.refuse("K046", f"{what} is not in the spec language here", node, "", hint)

    def _if(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt
    ) -> None:
        span = self.span(node)
        condition = self.test(test)
        yes, no, done = (self.builder.draft(span) for _ in range(3))
        if isinstance(condition, Const):
            self._fixed(
                body if condition.value else orelse,
                orelse if condition.value else body,
                yes,
                no,
                done,
            )
            return
        self.builder.branch(condition, yes, no, self.span(test))
        names, sure = dict(self.frame.names), set(self.frame.sure)
        self.builder.at(yes)
        self.body(body)
        after, then = self.frame.names, None if self.builder.ended else self.frame.sure
        self.builder.jump(done)
        kept = {n: b for n, b in after.items() if isinstance(b, (Local, Broken))}
        self.frame.names, self.frame.sure = {**names, **kept}, set(sure)
        self.builder.at(no)
        self.body(orelse)
        other = None if self.builder.ended else self.frame.sure
        self.builder.jump(done)
        self.frame.names = {**after, **self.frame.names}
        self.frame.sure = _both(then, other)
        self.builder.at(done)

    def _fixed(
        self, taken: list[ast.stmt], other: list[ast.stmt], yes: int, no: int, done: int
    ) -> None:
        """Lower an `if` that a choice decides: the other arm is checked, and never run."""
        self.builder.jump(yes)
        self.builder.at(no)
        names, sure = dict(self.frame.names), set(self.frame.sure)
        self.dead += 1
        self.body(other)
        self.dead -= 1
        self.frame.names, self.frame.sure = names, sure
        self.builder.jump(done)
        self.builder.at(yes)
        self.body(taken)
        self.builder.jump(done)
        self.builder.at(done)

    def _with(self, node: ast.With) -> None:
        item = node.items[0]
        call = item.context_expr
        word = self.word(call.func) if isinstance(call, ast.Call) else ""
        name = call.func if isinstance(call, ast.Call) else None
        if not word and isinstance(name, ast.Name) and self.symbol(name) is None:
            self.pure(name)
        if len(node.items) != 1 or item.optional_vars is not None or word not in BLOCKS:
            hint = "write `with atomic():` or `with ghost():`"
            if isinstance(call, ast.Attribute):
                hint = "a lock is taken by a call, `spin_lock(...)`, and released by another"
            elif isinstance(name, ast.Name) and not word:
                hint = with_a_call(name.id)
            title = "`with` makes a step atomic, or marks ghost code"
            raise self.refuse("K076", title, item.optional_vars or call, "", hint)
        assert isinstance(call, ast.Call)
        if call.keywords or len(call.args) > (1 if word == "atomic" else 0) or word == "each":
            title = f"`{word}` is called with other arguments"
            raise self.refuse("K055", title, call, "", f"write `{EFFECTS[word]}`")
        if word == "ghost":
            with self._ghost(node):
                self.body(node.body)
            return
        note = self._text(call.args[0]) if call.args else ""
        self.builder.cut(self.span(call), note)
        self.builder.atomic += 1
        self.body(node.body)
        self.builder.atomic -= 1

    @contextmanager
    def _ghost(self, node: ast.stmt) -> Iterator[None]:
        """Lower ghost code: it rides on the step before it, and keeps its names to itself."""
        frame, outer = self.frame, self.in_ghost
        self.builder.atomic += 1
        self.in_ghost = True
        if not outer:
            frame.real = frozenset(frame.names)
            frame.names = {**frame.ghosts, **frame.names}
        try:
            yield
        finally:
            self.builder.atomic -= 1
            self.in_ghost = outer
            if not outer:
                self._put_ghosts_away(frame, node)

    def _put_ghosts_away(self, frame: Frame, node: ast.stmt) -> None:
        real = frame.real or frozenset()
        frame.ghosts = {n: b for n, b in frame.names.items() if n not in real}
        frame.names = {n: b for n, b in frame.names.items() if n in real}
        frame.sure &= real
        frame.real = None
        slots = [b.slot for b in frame.ghosts.values() if isinstance(b, Local)]
        self.forget([slot for slot in slots if not slot.startswith("@")], self.span(node))

    def _refuse_leaving(self, node: ast.stmt, *, stays: bool) -> None:
        """Refuse ghost code that decides where the code around it goes on."""
        if self.in_ghost and not stays:
            title = f"`{ast.unparse(node)}` in ghost code changes where the code goes on"
            raise self.refuse("K044", title, node, "", "ghost code only writes ghosts")

    def _writes_ghost(self, node: ast.stmt) -> bool:
        """Tell whether a statement only writes a ghost field, so that it is ghost code."""
        target: ast.expr | None = None
        match node:
            case (
                ast.Assign(targets=[ast.Attribute() as t])
                | ast.AugAssign(target=ast.Attribute() as t)
                | ast.Assign(targets=[ast.Subscript(value=ast.Attribute() as t)])
                | ast.AugAssign(target=ast.Subscript(value=ast.Attribute() as t))
            ):
                target = t
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Attribute() as t))):
                target = t
        if not isinstance(target, ast.Attribute):
            return False
        kind = self.kind_of(target.value)
        info = self.world.kinds.get(kind or "")
        return info is not None and target.attr in info.fields and info.fields[target.attr].ghost

    def _return(self, value: ast.expr | None, node: ast.Return) -> None:
        frame = self.frame
        if frame.caller is None and value is not None and not isinstance(value, ast.Constant):
            raise self.refuse("K077", "nobody waits for what a process returns", value)
        if value is None or frame.caller is None:
            if frame.exit is not None:
                self.builder.jump(frame.exit)
            return
        if frame.exit is None:
            given = self.value(value)
            if frame.function.node.returns is not None:
                declared = Annotations(self.world.loader, frame.module).argument(
                    frame.function.node.returns
                )
                if declared.type is not None and declared.type != VOID:
                    fitting = self.fit(given, declared.type, value, "what is returned")
                    what = f"what {frame.function.name} returns"
                    given = self.ranged(fitting, declared.type, what)
            frame.value = given
            return
        result = self.value(value)
        if frame.result_type is None and result.type == VOID:
            self.builder.jump(frame.exit)  # what it returns elsewhere tells the type of this None
            return
        if frame.result_type is None:
            frame.result_type = INT16 if isinstance(result.type, Int) else result.type
        if frame.result is None:
            frame.result = f"@return{frame.function.key}"
            while self.builder.variables.get(frame.result, frame.result_type) != frame.result_type:
                frame.result += "'"
            self.builder.variables[frame.result] = frame.result_type
        fitting = self.fit(result, frame.result_type, value, "what is returned")
        self.builder.emit(Assign(frame.result, fitting, self.span(node)))
        self.builder.jump(frame.exit)


def _both(then: set[str] | None, other: set[str] | None) -> set[str]:
    """Return what is assigned behind a branch; None is an arm that does not come there."""
    if then is None or other is None:
        return then or other or set()
    return then & other


def _inside(statement: ast.stmt) -> list[ast.stmt]:
    """Return the statements that a statement has inside."""
    found: list[ast.stmt] = [*getattr(statement, "body", [])]
    for handler in getattr(statement, "handlers", []):
        found += handler.body
    return [*found, *getattr(statement, "orelse", []), *getattr(statement, "finalbody", [])]
