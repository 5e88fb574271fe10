"""Writes the function that rewrites a packed state to its canonical form, in place.

Members are put in the order of their colours. Where colours are equal and an exchange of the two
leaves the state as it is, nothing is to be decided; elsewhere all orders of those of a colour are
tried, and the least state is taken. So the form is the same for all states of an orbit, whatever
the colours are; better ones only save time.

Source: T. Junttila, "New orbit algorithms for data symmetries" (2004).
"""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.colours import Colours
from kmcheck.engines.native.emit import I1, I64, WORDS, Emitter, Value, i64
from kmcheck.engines.native.exchange import exchange
from kmcheck.engines.native.orbits import Orbits
from kmcheck.engines.native.orders import Orders
from kmcheck.engines.native.packing import Packing
from kmcheck.ir.symmetry import Symmetry


class Canonical:
    """The code for one packing: `function(words)` is `canonical` in the module."""

    def __init__(self, module: ir.Module, packing: Packing, symmetry: Symmetry) -> None:
        self.module = module
        self.words = packing.words
        orbits = Orbits(packing, symmetry)
        self.count = len(orbits.members)
        self.exchanges = {a.position: exchange(module, orbits, a, b) for a, b in orbits.pairs}
        """By the position of the first of two neighbours."""
        self.colours = Colours(module, orbits)
        self.sorted = self._sorted()
        self.settled = self._settled()
        self.least = Orders(module, self.words, self.count, self.exchanges).function
        self.function = self._canonical()

    def _function(self, name: str, result: ir.Type, count: int) -> tuple[ir.Function, Emitter]:
        kind = ir.FunctionType(result, [WORDS] * count)
        function = ir.Function(self.module, kind, name)
        function.linkage = "internal"
        return function, Emitter(function)

    # --- the way through -----------------------------------------------------------------------

    def _canonical(self) -> ir.Function:
        function, code = self._function("canonical", ir.VoidType(), 1)
        function.linkage = "external"
        b, words = code.builder, function.args[0]
        colours, loose = self._array(code, self.count), self._array(code, self.count)
        for colour in filter(None, (self.colours.own, self.colours.mixed)):
            b.call(colour, [words, colours])
            b.call(self.sorted, [words, colours])
            with b.if_then(b.call(self.settled, [words, colours, loose])):
                b.ret_void()
        b.call(self.least, [words, loose])
        b.ret_void()
        return function

    def _array(self, code: Emitter, count: int) -> Value:
        place = code.variable(ir.ArrayType(I64, count))
        return code.builder.gep(place, [i64(0), i64(0)])

    def _sorted(self) -> ir.Function:
        """Write what puts members in the order of their colours, and the colours too."""
        function, code = self._function("sorted", ir.VoidType(), 2)
        b, (words, colours) = code.builder, function.args
        with code.loop() as out:
            moved: Value = ir.Constant(I1, 0)
            for position, swap in self.exchanges.items():
                here, there = (b.gep(colours, [i64(position + at)]) for at in (0, 1))
                one, other = b.load(here), b.load(there)
                wrong = b.icmp_unsigned(">", one, other)
                with b.if_then(wrong, likely=False):
                    b.store(other, here)
                    b.store(one, there)
                    b.call(swap, [words])
                moved = b.or_(moved, wrong)
            code.leave_if(b.not_(moved), out)
        b.ret_void()
        return function

    def _settled(self) -> ir.Function:
        """Write what tells whether those of one colour may be exchanged and nothing changes.

        For each member `loose` says whether exchanging it with the next one changes the state.
        """
        kind = ir.FunctionType(I1, [WORDS] * 3)
        function = ir.Function(self.module, kind, "settled")
        function.linkage = "internal"
        code = Emitter(function)
        b, (words, colours, loose) = code.builder, function.args
        trial, any_loose = self._array(code, self.words), code.variable(I1)
        b.store(ir.Constant(I1, 0), any_loose)
        for position in range(self.count):
            b.store(i64(0), b.gep(loose, [i64(position)]))
        for position, swap in self.exchanges.items():
            one, other = (b.load(b.gep(colours, [i64(position + at)])) for at in (0, 1))
            place = b.gep(loose, [i64(position)])
            with b.if_then(b.icmp_unsigned("==", one, other), likely=False):
                b.store(i64(1), place)
                self._copy(code, words, trial)
                b.call(swap, [trial])
                with b.if_then(b.not_(self._same(code, words, trial))):
                    b.store(i64(2), place)
                    b.store(ir.Constant(I1, 1), any_loose)
        b.ret(b.not_(b.load(any_loose)))
        return function

    def _copy(self, code: Emitter, source: Value, target: Value) -> None:
        b = code.builder
        for word in range(self.words):
            b.store(b.load(b.gep(source, [i64(word)])), b.gep(target, [i64(word)]))

    def _same(self, code: Emitter, one: Value, other: Value) -> Value:
        b = code.builder
        differ: Value = i64(0)
        for word in range(self.words):
            here, there = (b.load(b.gep(words, [i64(word)])) for words in (one, other))
            differ = b.or_(differ, b.xor(here, there))
        return b.icmp_unsigned("==", differ, i64(0))
