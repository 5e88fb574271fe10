"""From a packing to machine code: the whole search for one system, compiled through LLVM."""

from __future__ import annotations

import ctypes
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from kmcheck.engines.native.canonical import Canonical
from kmcheck.engines.native.cells import Faults, Shapes
from kmcheck.engines.native.context import SORTS, STATUSES
from kmcheck.engines.native.emit import Value, i64
from kmcheck.engines.native.events import Events
from kmcheck.engines.native.expanding import Expanding
from kmcheck.engines.native.graphing import Edges, Owing
from kmcheck.engines.native.instructions import Instructions
from kmcheck.engines.native.judgement import Judgement
from kmcheck.engines.native.judging import Judging
from kmcheck.engines.native.packing import Packing
from kmcheck.engines.native.questions import Questions
from kmcheck.engines.native.rounds import Rounds
from kmcheck.engines.native.sifting import Sifting
from kmcheck.engines.native.steps import Steps
from kmcheck.engines.native.stubborn import StubbornSets
from kmcheck.engines.native.table import Form, Table
from kmcheck.engines.native.touched import is_symbolic
from kmcheck.ir.code import Check
from kmcheck.ir.stubborn import Stubborn
from kmcheck.ir.symmetry import Symmetry
from kmcheck.semantics import State


@dataclass(frozen=True, slots=True)
class Variant:
    """For what code is compiled: the table's form, how many threads, LLVM's optimisation.

    `late` says that new states wait, and are sifted before they count. `runs` names what is asked
    of runs that never end, once the search has ended: there is no code to search with then.
    """

    form: Form
    threads: int = 1
    speed: int = 0
    late: bool = False
    runs: tuple[str, ...] = ()


class Compiled:
    """Machine code, which lives as long as this does.

    `search(context)`, `add(context, words)` and `rehash(context)` are its functions, and those of
    `sifting` if states wait, `canonical(words)` if there is a symmetry;
    `sorts` is how many sorts of events there may be; `faults.violations` and `faults.bounds` say
    what statuses and notes mean.
    """

    def __init__(
        self,
        packing: Packing,
        variant: Variant,
        symmetry: Symmetry | None,
        stubborn: Stubborn | None,
    ) -> None:
        """Write the code and compile it.

        With a symmetry only canonical forms are kept, and with `stubborn` not all steps explored.
        """
        self.packing = packing
        self.variant = variant
        self.symmetric = symmetry is not None
        self.faults = Faults()
        program = packing.layout.program
        module = ir.Module("kmcheck")
        shapes = Shapes(packing)
        self.questions = Questions(module, packing)
        self.steps = Steps(module, shapes, self.faults, self._ask)
        judging = Judging(module, shapes, self.faults, self.questions)
        events = Events(module)
        table = Table(module, packing.words, variant.form, variant.threads)
        canonical = None if symmetry is None else Canonical(module, packing, symmetry).function
        choose = None if stubborn is None else StubbornSets(module, shapes, stubborn).function
        expanding = Expanding(table, self.steps, judging, events, self.questions, canonical, choose)
        if variant.runs:
            Edges(expanding)
            owing = Owing(module, packing.words, shapes, self.faults)
            owing.write(variant.runs, program.properties)
        else:
            judgement = Judgement(module, judging, events)
            Rounds(table, expanding, judgement, late=variant.late)
            if variant.late:
                Sifting(table, judgement)
        about = max(len(program.properties), len(self.faults.bounds), 1)
        self.sorts = about * SORTS * STATUSES
        self.text = str(module)
        self._link()

    def faster(self) -> Compiled:
        """Return the same code, optimised. It does not know what this one has run."""
        other = copy(self)
        other.variant = replace(self.variant, speed=2)
        other._link()  # noqa: SLF001 - a copy of ours
        return other

    def _link(self) -> None:
        self.engine = _compile(self.text, self.variant.speed)
        address = self.engine.get_function_address
        nothing, pointer = None, ctypes.c_void_p
        self.rehash = ctypes.CFUNCTYPE(nothing, pointer)(address("rehash"))
        if self.symmetric:
            self.canonical = ctypes.CFUNCTYPE(nothing, pointer)(address("canonical"))
        if self.variant.late:
            number = ctypes.c_int64
            sift, settle = address("sift"), address("settle")
            self.sift = ctypes.CFUNCTYPE(nothing, pointer, number, number, number)(sift)
            self.settle = ctypes.CFUNCTYPE(number, pointer, number, number)(settle)
        if self.variant.runs:
            self.edges = ctypes.CFUNCTYPE(nothing, pointer, pointer)(address("edges"))
            kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[pointer] * 3, *[ctypes.c_int64] * 2)
            self.owing = {name: kind(address(f"owing.{name}")) for name in self.variant.runs}
            return
        self.search = ctypes.CFUNCTYPE(nothing, pointer)(address("search"))
        self.add = ctypes.CFUNCTYPE(ctypes.c_int64, pointer, pointer)(address("add"))

    def _ask(self, code: Instructions, check: Check) -> Value:
        """Write the question whether a check holds for all sizes."""
        if not is_symbolic(check.condition):
            return i64(0)
        site = self.questions.site(check, code.template, [check.condition])
        instance = code.number(code.instance)
        return self.questions.ask(code, code.words, code.context, site, instance)

    def form(self, state: State) -> State:
        """Return a state in the form in which it is kept."""
        words = (ctypes.c_uint64 * self.packing.words)(*self.packing.pack(state))
        if self.symmetric:
            self.canonical(ctypes.addressof(words))
        return self.packing.unpack(list(words))

    def flags(self, name: str, count: int) -> bytes:
        """Return the flags of what was run."""
        address = self.engine.get_global_value_address(name)
        return ctypes.string_at(address, count)


def _compile(text: str, speed: int) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=speed,
        jit=True,
    )
    parsed = llvm.parse_assembly(text)
    parsed.triple = target.triple
    parsed.data_layout = str(machine.target_data)
    parsed.verify()
    if speed:
        options = llvm.create_pipeline_tuning_options(speed_level=speed)
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    return engine
