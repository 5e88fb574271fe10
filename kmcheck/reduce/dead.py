"""Reset dead variables: what a process will not read again is forgotten when its step ends.

On each edge of the code that leads to a cut, or to the end, the variables that may be other than
zero there and are not live are set to zero. A block that jumps does it itself; between a branch
and a cut comes a new block, behind all others, so that positions keep their numbers.

Preserves every violation, deadlock and leak. Call two states alike if they differ in dead variables
only. What looks at a variable of a process?

- Its own code, up to the next assignment: by the definition of live, none of this in a dead one.
  `Initialised` reads like any other.
- No property: a formula is no process's, and speaks of fields, lives and positions. Whether a leak
  is held by a daemon is decided by that daemon's live variables.
- `Free` makes a copy of an address stale: that changes the same variable only.
- A new size takes the lowest symbol that no slot mentions. Fewer mentions rename symbols, and what
  is asked about sizes is asked for all of them alike.
- `Alloc` tries each free slot that a dangling address names, and one of the others. Those that
  nothing names stand for each other, so what a dead address adds is the same again with slots
  exchanged, as long as no order of slots shows. Where it may (`ir.order.ordered`), variables that
  hold addresses of such a kind are left alone.

So alike states have the same steps, up to slots and symbols exchanged, into alike states, and
violate the same. This holds on runs that never end as well, and the same processes can go on: slots
are only exchanged while nothing lives there, so what is owed to an object stays owed to it. Runs
keep their length. Steps keep their blocks but for one at their end: in a
template with a loop inside of a step, which has only so many blocks to run, no block is added, and
variables that would need one are left alone everywhere: reset here and not there, one would make
more states, and not fewer.

Sources: Bozga, Fernandez, Ghirvu, "State space reduction based on live variables analysis" (SAS
1999); Holzmann, "The engineering of a model checker" (SPIN 1999), "reset dead variables".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kmcheck.ir.code import (
    END,
    Assign,
    Block,
    Branch,
    Instruction,
    Jump,
    Template,
    Terminator,
    targets,
)
from kmcheck.ir.expr import Const, Var
from kmcheck.ir.flow import has_inner_loop
from kmcheck.ir.layout import Layout
from kmcheck.ir.live import live_in, written_by
from kmcheck.ir.order import ordered, pointed, recycled
from kmcheck.protocols import Question, Reduced, Reduction
from kmcheck.semantics import State
from kmcheck.system import TransitionSystem, recoded


class Dead:
    """The reduction on the shelf."""

    name = "dead"
    order = 30
    endless = True

    def reduce(self, system: TransitionSystem, question: Question) -> Reduced:
        """Return the system with dead variables reset, in its code and in its initial states."""
        del question
        program = system.program
        telling = ordered(program) & recycled(program)
        templates = dict(program.templates)
        variables = places = 0
        resting: dict[str, list[set[str]]] = {}
        for name, template in templates.items():
            if template.role == "setup":
                continue
            code = Resetting(system.layout, template, candidates(template, telling))
            templates[name] = code.template()
            resting[name] = code.dead
            variables += len(code.reset)
            places += code.places
        initial = tuple(
            (choices, _rested(system.layout, state, resting)) for choices, state in system.initial
        )
        if not places and initial == system.initial:
            return Reduced(system)
        changed = replace(recoded(system, replace(program, templates=templates)), initial=initial)
        return Reduced(changed, f"{_counted(variables, 'variable')} at {_counted(places, 'place')}")


def candidates(template: Template, telling: frozenset[str]) -> set[str]:
    """Return the variables of a template that may be reset: all but those that tell slots apart."""
    return {name for name, kind in template.variables.items() if pointed(kind) not in telling}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@dataclass(slots=True)
class Resetting:
    """Writes the resets into one template: `dead` is what is zero at each cut."""

    layout: Layout
    given: Template
    candidates: set[str]
    dead: list[set[str]] = field(init=False)
    filled: list[set[str]] = field(init=False)
    extra: list[Block] = field(default_factory=list)
    reset: set[str] = field(default_factory=set)
    places: int = 0

    def __post_init__(self) -> None:
        """Find what is dead, and what is set."""
        self._look()
        while has_inner_loop(self.given.blocks) and (behind_branches := self._behind_branches()):
            self.candidates = self.candidates - behind_branches
            self._look()

    def _look(self) -> None:
        live = live_in(self.given.blocks, self.candidates)
        self.dead = [self.candidates - entering for entering in live]
        self.filled = self._maybe_set()

    def _behind_branches(self) -> set[str]:
        """Return what would have to be reset between a branch and the end of a step."""
        return {
            name
            for number, block in enumerate(self.given.blocks)
            if isinstance(block.terminator, Branch)
            for target in targets(block)
            for name in self._reset_at(target) & self.filled[number]
        }

    def _reset_at(self, target: int) -> set[str]:
        """Return what is reset where code goes on at a block."""
        if target == END:
            return self.candidates
        return self.dead[target] if self.given.blocks[target].cut else set()

    def template(self) -> Template:
        """Return the template with its resets."""
        blocks = [self._block(b, self.filled[n]) for n, b in enumerate(self.given.blocks)]
        return replace(self.given, blocks=(*blocks, *self.extra))

    def _block(self, block: Block, filled: set[str]) -> Block:
        """Return a block with what is to be reset behind it, `filled` being set there."""
        match block.terminator:
            case Jump(target):
                resets = self._resets(block, target, filled)
                return replace(block, instructions=(*block.instructions, *resets))
            case Branch(then=then, other=other):
                there = replace(
                    block.terminator,
                    then=self._detour(block, then, filled),
                    other=self._detour(block, other, filled),
                )
                return replace(block, terminator=there)
        return block

    def _detour(self, block: Block, target: int, filled: set[str]) -> int:
        """Return where a branch goes to: to its target, by way of what is to be reset."""
        resets = self._resets(block, target, filled)
        if not resets:
            return target
        back: Terminator = Jump(target)
        self.extra.append(
            Block(resets, back, cut=False, calls=block.calls, note="", span=block.span)
        )
        return len(self.given.blocks) + len(self.extra) - 1

    def _resets(self, block: Block, target: int, filled: set[str]) -> tuple[Instruction, ...]:
        gone = filled & self._reset_at(target)
        self.places += bool(gone)
        self.reset |= gone
        return tuple(self._reset(name, block) for name in sorted(gone))

    def _maybe_set(self) -> list[set[str]]:
        """Return, for each block, the variables that may be other than zero where it ends.

        At a cut those that are reset there have just been, or were never set. Who ends may begin
        again.
        """
        blocks, entry = self.given.blocks, self.given.entry
        before: list[set[str]] = [set() for _ in blocks]
        after: list[set[str]] = [set() for _ in blocks]
        before[entry] = set(self.given.parameters) & self.candidates
        ahead = [entry]
        seen = set(ahead)
        while ahead:
            number = ahead.pop()
            after[number] = self._behind(blocks[number], before[number])
            for target in targets(blocks[number]):
                coming = after[number] - self._reset_at(target)
                first = entry if target == END else target
                if first not in seen or coming - before[first]:
                    seen.add(first)
                    before[first] |= coming
                    ahead.append(first)
        return after

    def _behind(self, block: Block, filled: set[str]) -> set[str]:
        """Return what may be set behind a block's instructions."""
        found = set(filled)
        for instruction in block.instructions:
            name = written_by(instruction)
            if name in self.candidates and name is not None:
                reset = self._resets_it(instruction, found)
                found = found - {name} if reset else found | {name}
        return found

    def _resets_it(self, instruction: Instruction, filled: set[str]) -> bool:
        """Tell whether an instruction sets a variable to its zero, `filled` being set before."""
        match instruction:
            case Assign(var=var, value=Const(value=value)):
                return value == self._zero(var)
            case Assign(var=var, value=Var(name=source)):
                empty = source in self.candidates and source not in filled
                return empty and self._zero(source) == self._zero(var)
        return False

    def _zero(self, name: str) -> int | tuple[int, ...]:
        return self.layout.zero(self.given.variables[name])

    def _reset(self, name: str, block: Block) -> Assign:
        zero = Const(self._zero(name), self.given.variables[name], block.span)
        return Assign(name, zero, block.span)


def _rested(layout: Layout, state: State, dead: dict[str, list[set[str]]]) -> State:
    """Return a state in which what is dead is zero."""
    changed = list(state)
    for name, at in dead.items():
        template = layout.program.templates[name]
        for i in range(layout.instances(name)):
            position = state[layout.pc[name] + i]
            for variable in at[position - 1] if position else ():
                slot = layout.variables[name, variable] + i
                changed[slot] = layout.zero(template.variables[variable])
    return tuple(changed)


REDUCTION: Reduction = Dead()
