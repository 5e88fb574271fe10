"""What all loops have: a head to come back to, a variable, a body."""

from __future__ import annotations

import ast

from kmcheck.diagnostics import Span
from kmcheck.frontend.assignments import Assignments, times_stored
from kmcheck.frontend.scope import Alias, Local, Loop, Place
from kmcheck.ir.types import INT16, Int, Type


class Turns(Assignments):
    """Lowers the parts of loops."""

    def _loop_head(self, span: Span) -> int:
        self.builder.jump_to_new(span)
        self.builder.here.loop_head = not self.builder.atomic
        return self.builder.current

    def _loop_body(
        self,
        body: list[ast.stmt],
        again: int,
        inside: int,
        out: int,
        variable: str = "",
        *,
        endless: bool = False,
    ) -> None:
        self.builder.at(inside)
        loop = Loop(again, out, self.in_ghost)
        self.frame.loops.append(loop)
        sure = set(self.frame.sure)
        self.body(body)
        self.frame.loops.pop()
        self.frame.sure = sure - ({variable} if variable else set())
        if endless and loop.left_with:
            self.frame.sure = set.intersection(*loop.left_with)
        self.builder.jump(again)
        self.builder.at(out)

    def _loop_variable(self, name: str, kind: Type, node: ast.For) -> Local:
        binding = self.frame.names.get(name)
        self.refuse_in_ghost(name, node.target)
        self.frame.sure.add(name)
        if isinstance(kind, Int) and times_stored(self.frame.function.node, name) > 1:
            kind = INT16
        if isinstance(binding, Local) and binding.type == kind:
            return binding
        if isinstance(binding, (Local, Alias, Place)) and name != "_":
            raise self.refuse(
                "K040", f"`{name}` has another type already", node.target, "", "choose another name"
            )
        return self.declare(self.frame, name, kind)
