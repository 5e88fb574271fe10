"""Faults put into the native engine one at a time: comparing it with the reference shows each.

As a script, it prints how the search of each mutant's program ends. Machine code that is wrong may
do anything, so each is tried in a process of its own.
"""

from __future__ import annotations
import __future__

import inspect
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from textwrap import dedent
from types import ModuleType

from llvmlite import ir

from kmcheck.engines.native import ENGINE as NATIVE
from kmcheck.engines.native import growth, recent, rounds, states
from kmcheck.engines.native.code import Code
from kmcheck.engines.native.emit import I32, Value, i64
from kmcheck.engines.reference import ENGINE as REFERENCE
from kmcheck.protocols import Engine, Question
from kmcheck.solver import Solver
from kmcheck.verdict import Budget, Finding
from tests.language import system
from tests.native_programs import PROGRAMS

HOME = "kmcheck.engines.native"
PATIENCE = 20
"""Seconds after which a search that goes on is taken not to end."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A function or method (`file.name` or `file.Class.name`) in which `old` is `new`."""

    name: str
    where: str
    old: str
    new: str
    seen_in: str
    """The program, of `native_programs`, in which it shows."""
    threads: int = 1

    def put(self) -> None:
        """Put the changed function in the place of the right one, wherever that was imported."""
        file, *owners, name = self.where.split(".")
        module = import_module(f"{HOME}.{file}")
        owner = getattr(module, owners[0]) if owners else module
        right = getattr(owner, name)
        text = dedent(inspect.getsource(right))
        if text.count(self.old) != 1:
            raise LookupError(f"{self.where} has changed: what is this mutant now?")
        flags, changed = __future__.annotations.compiler_flag, dict[str, object]()
        code = compile(text.replace(self.old, self.new), f"<{self.name}>", "exec", flags)
        exec(code, vars(module), changed)  # noqa: S102 - our own text, changed in one place
        for place in [owner] if owners else _importers(right, name):
            setattr(place, name, changed[name])


def _importers(function: object, name: str) -> list[ModuleType]:
    ours = [module for path, module in sys.modules.items() if path.startswith(HOME)]
    return [module for module in ours if getattr(module, name, None) is function]


MUTANTS = (
    # --- what was not assigned --------------------------------------------------------------------
    Mutant(
        "what a branch reads needs no check that it was assigned",
        "touched.may_be_unset",
        "read += [",
        "_ = [",
        "a branch on nothing",
    ),
    Mutant(
        "what is zero between steps was assigned",
        "values.Values._initialised",
        "self.fail_if(self.is_unset(place, self.instance), uninitialised)",
        "",
        "never assigned",
    ),
    # --- how states are packed --------------------------------------------------------------------
    Mutant(
        "a cell that is full by one is not widened",
        "cells.Cells._fit",
        '">="',
        '">"',
        "full by one",
    ),
    Mutant(
        "a write leaves what was there",
        "cells.Cells.put",
        "b.and_(b.load(pointer), hole)",
        "b.load(pointer)",
        "arms",
    ),
    Mutant(
        "a callback takes no bits",
        "plan._codes",
        "len(layout.program.functions.get(key, ())) + 1",
        "len(layout.program.functions.get(key, ()))",
        "callback",
    ),
    # --- the table --------------------------------------------------------------------------------
    Mutant(
        "a key has only some bits of the state",
        "table.Table.entry",
        "b.add(b.load(words), i64(1))",
        "b.add(b.and_(b.load(words), i64(255)), i64(1))",
        "readers",
    ),
    Mutant(
        "a look-up goes on behind the next place",
        "table.Table.seek",
        "b.add(at, i64(1))",
        "b.add(at, i64(2))",
        "many words",
    ),
    Mutant(
        "a number has too few bits",
        "table.Table._bits",
        "i64(more)",
        "i64(more - 2)",
        "many",
    ),
    Mutant(
        "a larger table lacks the youngest state",
        "table.Table._write_rehash",
        'code.times(code.get("states"))',
        'code.times(b.sub(code.get("states"), i64(1)))',
        "many words",
    ),
    # --- rounds -----------------------------------------------------------------------------------
    Mutant(
        "a round is taken for the whole level",
        "rounds.Rounds._search",
        'code.set("next", end)',
        'code.set("next", until)',
        "many",
    ),
    Mutant(
        "a round that is given up counts",
        "rounds.Rounds._search",
        "code.set(name, b.load(place))",
        "pass",
        "many",
    ),
    Mutant(
        "what was put into the buffers of a round that is given up is remembered",
        "states.States.forget",
        "for region in self.recent:",
        "for region in self.recent if not self.origins else ():",
        "many",
    ),
    Mutant(
        "the chunks of the next round are taken already",
        "rounds.Rounds._search",
        'code.share("taken", i64(0))',
        "pass",
        "many",
        threads=2,
    ),
    Mutant(
        "a segment takes one more than there is room for",
        "expanding.Expanding._push",
        '">="',
        '">"',
        "many words",
        threads=2,
    ),
    Mutant(
        "new states are numbered thread by thread",
        "rounds.Rounds._merge",
        'b.icmp_unsigned("<", when, b.load(best))',
        'b.icmp_unsigned("==", b.load(best), i64(-1))',
        "many",
        threads=2,
    ),
    Mutant(
        "an entry keeps the number that it had before all were numbered",
        "rounds.Rounds._settle",
        'b.store(self.table.entry(code, entry, hashed, code.get("mask"), number), place)',
        "pass",
        "many words",
        threads=2,
    ),
    # --- steps ------------------------------------------------------------------------------------
    Mutant(
        "only one process of each kind steps",
        "expanding.Expanding.actors",
        "range(self.layout.instances(n))",
        "range(min(1, self.layout.instances(n)))",
        "two of a kind",
    ),
    Mutant(
        "a check is skipped",
        "instructions.Instructions.do",
        "self._check(instruction)",
        "pass",
        "a check",
    ),
    Mutant(
        "an index of an array may be its length",
        "lists.Lists._inside",
        "i64(len(items))",
        "i64(len(items) + 1)",
        "index",
    ),
    Mutant(
        "a choice is the one after that which was made",
        "sets.Sets.nth",
        'self.leave_if(b.icmp_unsigned("==", n, i64(0)), out)',
        'self.leave_if(b.icmp_unsigned("<=", n, i64(1)), out)',
        "choices",
    ),
    Mutant(
        "a reader that leaves is still waited for",
        "sets.Sets.set_operation",
        "b.and_(x, self.addresses(element, y))",
        "x",
        "readers",
    ),
    # --- lives ------------------------------------------------------------------------------------
    Mutant(
        "a removal does not touch the freed member behind",
        "lists.Lists.list_remove",
        "for by in (-1, 1):",
        "for by in (-1,):",
        "freed behind",
    ),
    Mutant(
        "a free makes no member of a set stale",
        "lifetimes.Lifetimes._stale",
        "return b.select(there, moved, mask)",
        "return mask",
        "made stale",
    ),
    Mutant(
        "what is embedded in a freed object cannot become stale",
        "touched.touched",
        "_closed(program, freed)",
        "frozenset(freed)",
        "embedded",
    ),
    # --- questions over sizes ---------------------------------------------------------------------
    Mutant(
        "an answer is kept for all instances",
        "questions.Questions._write",
        "b.add(b.mul(b.add(site, i64(1)), i64(1 << 16)), instance)",
        "b.mul(b.add(site, i64(1)), i64(1 << 16))",
        "each its own",
    ),
    Mutant(
        "an answer is kept whatever the fields are",
        "questions._reads",
        'case "field", Load(kind=kind, field=field) | Closure(kind=kind, field=field):',
        'case "nothing", Load(kind=kind, field=field) | Closure(kind=kind, field=field):',
        "read by a question",
    ),
    Mutant(
        "what is unknown of a part is forgotten",
        "surveys.Surveys._part",
        "b.store(b.select(unknown, i64(UNKNOWN), b.load(result)), result)",
        "pass",
        "part by part",
    ),
)


def nothing() -> None:
    """Leave the engine as it is."""


def late() -> None:
    """Let the second thread sleep for a millisecond before it looks whether all are to stop."""
    right = rounds.Rounds._stopped

    def stopped(self: rounds.Rounds, code: Code) -> Value:
        sleep = self.module.globals.get("usleep")
        if sleep is None:
            sleep = ir.Function(self.module, ir.FunctionType(I32, [I32]), "usleep")
        second = code.builder.icmp_unsigned("==", code.get("thread"), i64(1))
        with code.builder.if_then(second):
            code.builder.call(sleep, [ir.Constant(I32, 1000)])
        return right(self, code)

    rounds.Rounds._stopped = stopped  # type: ignore[method-assign]


def narrowed() -> None:
    """Make tables, chunks, buffers and memories so small that small programs fill them."""
    growth.FIRST, growth.MOST_KEYS = 1 << 6, 1 << 8
    states.ALONE, states.TOGETHER = (8, 64), (2, 1)
    recent.REMEMBERED = states.REMEMBERED = 8  # type: ignore[attr-defined]


def search(engine: Engine, name: str, threads: int = 1) -> Finding:
    """Return all that an engine says of a program, but how often it asked."""
    budget = Budget(threads=threads)
    found = engine.search(
        system(PROGRAMS[name])[0], Question(every=True), Solver(), budget, lambda _: None
    )
    judged = {prop: min(1, times) for prop, times in found.statistics.judged.items()}
    return replace(found, statistics=replace(found.statistics, judged=judged))


def outcome(put: Callable[[], None], program: str, threads: int) -> str:
    """Return how the search of a changed engine ends.

    Raises:
        Exception: the mutant is none any more: its text is not found, or LLVM refuses it.
    """
    expected = search(REFERENCE, program)
    put()
    try:
        found = search(NATIVE, program, threads)
    except AssertionError:
        return "a claim that the semantics refuses"
    return "the same" if found == expected else "another finding"


def apart(compute: Callable[[], str]) -> str:
    """Return what a process of its own computes, or how it ends."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        try:
            told = compute()
        except Exception as error:  # noqa: BLE001 - the test tells which mutant it is
            told = f"no mutant: {error!r}"
        os.write(writes, told.encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as end:
        text = end.read()
    _, status = os.waitpid(child, 0)
    return text or f"signal {-os.waitstatus_to_exitcode(status)}"


if __name__ == "__main__":
    narrowed()
    faults = {m.name: apart(partial(outcome, m.put, m.seen_in, m.threads)) for m in MUTANTS}
    right = {
        f"{name}, {threads} threads": apart(partial(outcome, nothing, name, threads))
        for name in PROGRAMS
        for threads in (1, 2, 3)
    }
    slow = {f"{n} threads": apart(partial(outcome, late, "wide at last", n)) for n in (2, 3)}
    json.dump({"faults": faults, "right": right, "late": slow}, sys.stdout)
