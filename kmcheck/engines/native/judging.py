"""Properties in code: a function for each, and which of them are due in a state."""

from __future__ import annotations

from llvmlite import ir

from kmcheck.engines.native.cells import Faults, Shapes
from kmcheck.engines.native.context import JUDGED, PLACES
from kmcheck.engines.native.emit import BLOCKED, I1, I8, I32, I64, OK, WORDS, Value, i64
from kmcheck.engines.native.forms import NO, UNKNOWN
from kmcheck.engines.native.questions import Questions
from kmcheck.engines.native.surveys import Surveys
from kmcheck.ir.consequents import Consequent, consequents
from kmcheck.ir.program import ENDLESS, Property
from kmcheck.ir.types import SetOf


class Judging:
    """Writes a function for each property, which returns OK, BLOCKED where it fails, or a fault.

    Properties of runs that never end are judged elsewhere (`owing`).
    """

    def __init__(
        self, module: ir.Module, shapes: Shapes, faults: Faults, questions: Questions
    ) -> None:
        self.module = module
        self.shapes = shapes
        self.faults = faults
        self.questions = questions
        self.properties = shapes.layout.program.properties
        self.functions = {
            n: self._property(n, p) for n, p in enumerate(self.properties) if p.when not in ENDLESS
        }
        self.at_rest = self._about_processes("at_rest")
        self.all_ended = self._about_processes("all_ended")

    def _property(self, number: int, prop: Property) -> ir.Function:
        kind = ir.FunctionType(I32, [WORDS, WORDS, WORDS])
        function = ir.Function(self.module, kind, f"property.{prop.name}")
        function.linkage = "internal"
        words, previous, context = function.args
        code = Surveys(function, words, context, self.shapes, self.faults)
        code.previous = previous
        b = code.builder
        kind = ir.ArrayType(I8, max(1, len(consequents(prop))))
        looked = ir.GlobalVariable(self.module, kind, f"looked.{prop.name}")
        looked.initializer = ir.Constant(kind, None)
        unknown = code.variable(I64)
        b.store(i64(0), unknown)
        counted = b.gep(context, [i64(JUDGED + number)])

        def bind(depth: int) -> None:
            if depth == len(prop.parameters):
                truth = code.formula(prop.formula)
                b.store(b.add(b.load(counted), i64(1)), counted)
                code.fail_if(b.icmp_unsigned("==", truth, i64(NO)), BLOCKED)
                open_ = code.wide(b.icmp_unsigned("==", truth, i64(UNKNOWN)))
                b.store(b.or_(b.load(unknown), open_), unknown)
                for part, one in enumerate(consequents(prop)):
                    self._look(code, looked, part, one)
                return
            cell, _, domain = prop.parameters[depth]
            assert isinstance(domain.type, SetOf)
            with code.members(domain.type.element, code.of(domain)) as (member, _):
                b.store(member, code.cell(cell))
                bind(depth + 1)

        bind(0)
        if prop.symbolic:
            exprs = [prop.formula, *(domain for _, _, domain in prop.parameters)]
            site = self.questions.site(prop, "", exprs)
            with b.if_then(code.truth(b.load(unknown))):
                if prop.when == "step":
                    place = b.gep(context, [i64(PLACES["previous"])])
                    b.store(b.ptrtoint(previous, I64), place)
                    answer = self.questions.ask_anew(code, words, context, site)
                else:
                    answer = self.questions.ask(code, words, context, site, i64(0))
                code.fail_if(b.not_(code.truth(answer)), BLOCKED)
        b.ret(ir.Constant(I32, OK))
        return function

    def _look(
        self, code: Surveys, looked: ir.GlobalVariable, number: int, part: Consequent
    ) -> None:
        """Note whether a part of a property, which holds, was looked at: once is enough."""
        b = code.builder
        place = b.gep(looked, [i64(0), i64(number)])
        unseen = b.not_(code.truth(b.load(place)))
        with b.if_then(unseen, likely=False), b.if_then(code.test(part.reached)):
            b.store(ir.Constant(I8, 1), place)

    def _about_processes(self, what: str) -> ir.Function:
        """Return what tells whether all processes rest, or have ended if they have to."""
        function = ir.Function(self.module, ir.FunctionType(I1, [WORDS]), what)
        function.linkage = "internal"
        code = Surveys(function, function.args[0], function.args[0], self.shapes, self.faults)
        found: Value = ir.Constant(I1, 1)
        layout = self.shapes.layout
        for name in layout.processes:
            if what == "all_ended" and layout.program.templates[name].role == "daemon":
                continue
            places = frozenset({0})
            if what == "at_rest":
                blocks = range(len(layout.program.templates[name].blocks) + 1)
                places |= frozenset(blocks) - code.positions(name, "begun")
            for i in range(layout.instances(name)):
                found = code.builder.and_(found, code.is_at(name, i, places))
        code.builder.ret(found)
        return function
