"""Questions that machine code has: does a formula over sizes hold, does a state leak?

The answer depends on what the formula reads, so it is kept for each such projection: Python is
asked, and through it the solver, once for each. What was kept longest makes room. Each thread keeps
its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from kmcheck.engines.native.context import PLACES
from kmcheck.engines.native.emit import I64, UNDECIDED, WORDS, Emitter, Value, i64
from kmcheck.engines.native.packing import Packing
from kmcheck.ir.expr import Alive, Before, Closure, Expr, Load, Position, Running, Var, walk

KEPT = 1 << 12
"""Answers that are kept, each of a state's words and two more."""

MIX = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Site:
    """What is asked: of whom (a template's check, a property), about which words' bits."""

    what: object
    template: str
    masks: tuple[int, ...]


class Questions:
    """Writes the function that asks, and remembers answers."""

    def __init__(self, module: ir.Module, packing: Packing) -> None:
        self.packing = packing
        self.sites: list[Site] = []
        signature = ir.FunctionType(I64, [WORDS, WORDS, I64, I64, WORDS])
        self.function = ir.Function(module, signature, "asked")
        self.function.linkage = "internal"
        self._write()

    def site(self, what: object, template: str, exprs: list[Expr], *, whole: bool = False) -> int:
        """Return the number of a question; `whole` if it is about the whole state."""
        masks = [0] * self.packing.words
        for group in self.packing.groups.values():
            if group.constants is None and (whole or _reads(group.key, template, exprs)):
                for at in range(group.elements * group.cells.count):
                    bits = (1 << group.cells.width) - 1
                    shift = group.bit + at % group.per * group.cells.width
                    masks[group.word + at // group.per] |= bits << shift
        self.sites.append(Site(what, template, tuple(masks)))
        return len(self.sites) - 1

    def ask(self, code: Emitter, words: Value, context: Value, site: int, instance: Value) -> Value:
        """Write the question. The function is left if there is no answer."""
        _count(code.builder, context)
        answer = self.answer(code.builder, words, context, site, instance)
        code.fail_if(code.builder.icmp_unsigned(">", answer, i64(1)), UNDECIDED)
        return answer

    def ask_anew(self, code: Emitter, words: Value, context: Value, site: int) -> Value:
        """Write the question without looking for an answer that was kept."""
        _count(code.builder, context)
        answer = _call(code.builder, words, context, i64(site), i64(0))
        code.fail_if(code.builder.icmp_unsigned(">", answer, i64(1)), UNDECIDED)
        return answer

    def answer(
        self, b: ir.IRBuilder, words: Value, context: Value, site: int, instance: Value
    ) -> Value:
        """Write the question: 0 or 1, or more if there is no answer."""
        masks = self._table(b.module, site)
        return b.call(self.function, [words, context, i64(site), instance, masks])

    def _table(self, module: ir.Module, site: int) -> Value:
        masks = self.sites[site].masks
        kind = ir.ArrayType(I64, len(masks))
        table = ir.GlobalVariable(module, kind, f"masks{site}")
        table.initializer, table.global_constant = ir.Constant(kind, list(masks)), True
        return table.bitcast(WORDS)

    def _write(self) -> None:
        words, context, site, instance, masks = self.function.args
        code = Emitter(self.function)
        b, count = code.builder, self.packing.words
        tag = b.add(b.mul(b.add(site, i64(1)), i64(1 << 16)), instance)
        found = [
            b.and_(b.load(b.gep(words, [i64(w)])), b.load(b.gep(masks, [i64(w)])))
            for w in range(count)
        ]
        mixed: Value = tag
        for word in found:
            mixed = b.mul(b.xor(mixed, word), i64(MIX))
            mixed = b.xor(mixed, b.lshr(mixed, i64(29)))
        line = b.mul(b.and_(mixed, i64(KEPT - 1)), i64(count + 2))
        kept = b.inttoptr(b.load(b.gep(context, [i64(PLACES["kept"])])), WORDS)
        place = b.gep(kept, [line])
        same = b.icmp_unsigned("==", b.load(place), tag)
        for at, word in enumerate(found):
            kept = b.load(b.gep(place, [i64(2 + at)]))
            same = b.and_(same, b.icmp_unsigned("==", kept, word))
        answer = b.gep(place, [i64(1)])
        with b.if_then(same):
            b.ret(b.load(answer))
        fresh = _call(b, words, context, site, instance)
        b.store(tag, place)
        b.store(fresh, answer)
        for at, word in enumerate(found):
            b.store(word, b.gep(place, [i64(2 + at)]))
        b.ret(fresh)


def _count(b: ir.IRBuilder, context: Value) -> None:
    """Write that one more state has a question over sizes."""
    place = b.gep(context, [i64(PLACES["stood_for"])])
    b.store(b.add(b.load(place), i64(1)), place)


def _call(b: ir.IRBuilder, words: Value, context: Value, site: Value, instance: Value) -> Value:
    """Write the call of Python's answer."""
    signature = ir.FunctionType(I64, [I64, WORDS, I64]).as_pointer()
    pointer = b.inttoptr(b.load(b.gep(context, [i64(PLACES["ask"])])), signature)
    return b.call(pointer, [site, words, instance])


def _reads(key: tuple[str, str, str], template: str, exprs: list[Expr]) -> bool:
    """Tell whether expressions may read a group."""
    where, owner, name = key
    for expr in exprs:
        for node in walk(expr):
            match where, node:
                case "var", Var(name=variable) if (owner, name) == (template, variable):
                    return True
                case "field", Load(kind=kind, field=field) | Closure(kind=kind, field=field):
                    if (owner, name) == (kind, field):
                        return True
                case "life", Alive():
                    return True
                case "pc", Running() | Position():
                    return True
                case _, Before():
                    return True
    return False
