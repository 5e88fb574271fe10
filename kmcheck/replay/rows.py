"""One step as one row of C, and the comment beside it."""

from __future__ import annotations

from kmcheck.explain.names import call_text, split
from kmcheck.ir.code import Assign, Block, Store
from kmcheck.ir.expr import Op
from kmcheck.replay.recorder import Note, Recorder, place_of
from kmcheck.replay.stacks import Stacks
from kmcheck.semantics import Fault, State
from kmcheck.trace import Place

CMPXCHG = "cmpxchg"
"""What the frontend calls a step of that name: its row may be no change."""
EXCHANGES = frozenset({"xchg", "test_and_set", "test_and_clear", "fetch_add", "add_return"})
"""What it calls other steps that return what they found, or left."""

LINKING = {"use-after-free", "list-corruption"}
"""Violations that changing a list or set may be."""


class Rows:
    """Writes what a step did, or was about to do when it failed."""

    def __init__(self, recorder: Recorder, stacks: Stacks) -> None:
        self.recorder = recorder
        self.names = recorder.names
        self.values = recorder.values
        self.stacks = stacks

    def text(
        self, state: State, actor: int, block: Block, fault: Fault | None
    ) -> tuple[str, Place]:
        """Return the row of the step just recorded, and its place.

        `state` is that before the step, or what a step that failed had made of it.
        """
        notes = [n for n in self.recorder.notes if not n.access.ghost]
        shown = _what_matters(_unless_left(notes, block))
        if fault is not None and fault.field:
            call = self._call_of(state, actor, block, fault)
            return call or self._attempt(state, actor, block, fault), place_of(fault.span)
        linking = self._linking(state, actor, block, fault)
        if fault is not None and linking:
            return linking, place_of(fault.span)
        if fault is not None and fault.kind == "double-free" and fault.thing is not None:
            return f"kfree({self.names.of(*fault.thing, stale=True)})", place_of(fault.span)
        if fault is not None and not shown:
            return fault.span.text, place_of(fault.span)
        text = "; ".join(dict.fromkeys(n.text for n in shown)) or block.span.text
        return text, place_of(block.span)

    def note(self, block: Block) -> str:
        """Return the comment beside a step: the spec's own, else which object a load came to."""
        notes = [n for n in self.recorder.notes if not n.access.ghost]
        shown = _what_matters(_unless_left(notes, block))
        if block.note == CMPXCHG and len(shown) == 1 and shown[0].access.what == "load":
            found = shown[0].access.after
            return f"{CMPXCHG} leaves {found.text if found else 'it'}"
        if block.note in EXCHANGES:
            return f"{block.note}{_given(notes, block)}"
        said = [n.comment for n in shown if n.comment]
        if said and not block.note:
            return said[0]
        if block.note or len(shown) != 1 or shown[0].access.what != "load":
            return block.note
        after = shown[0].access.after
        return after.text if after is not None and (after.targets or after.text == "NULL") else ""

    def _call_of(self, state: State, actor: int, block: Block, fault: Fault) -> str:
        """Return the call of the primitive in which an access failed to what is its own to know.

        Empty if it is an access of the spec, or to a field that the spec has declared.
        """
        _, frame = split(self.stacks.at(state, actor, block.calls))
        kind = self.recorder.layout.program.kinds[fault.thing[0]] if fault.thing else None
        private = (kind or fault).span.source.module
        return call_text(frame) if frame and private else ""

    def _attempt(self, state: State, actor: int, block: Block, fault: Fault) -> str:
        """Return the access that failed as C: what it would have done."""
        owner = "NULL" if fault.thing is None else self.names.of(*fault.thing, stale=True)
        member = f"{owner}{'.' if '->' in owner else '->'}{fault.field}"
        for instruction in block.instructions:
            if isinstance(instruction, Store) and instruction.span == fault.span:
                return self._attempted_store(state, actor, instruction, member)
            if (
                isinstance(instruction, Assign)
                and instruction.span == fault.span
                and instruction.var[0] != "@"
            ):
                return f"{instruction.var.partition('@')[0]} = {member}"
        return member

    def _linking(self, state: State, actor: int, block: Block, fault: Fault | None) -> str:
        """Return the change of a list or set that failed as C, if it was one that did."""
        name, instance = self.stacks.actors[actor]
        for instruction in block.instructions:
            if fault is None or fault.kind not in LINKING or not isinstance(instruction, Store):
                continue
            if instruction.span == fault.span and instruction.value.span == fault.span:
                try:
                    owner = self.stacks.evaluators[name].of(instruction.ref)(list(state), instance)
                except Fault:
                    return ""
                if owner <= 0 or owner & 1:
                    return ""
                member = self.names.member(instruction.kind, (owner >> 1) - 1, instruction.field)
                text = self._attempted_store(state, actor, instruction, member)
                return "" if text == member else text
        return ""

    def _attempted_store(self, state: State, actor: int, instruction: Store, member: str) -> str:
        name, instance = self.stacks.actors[actor]
        operator, operand = "=", instruction.value
        if isinstance(operand, Op) and operand.name in _ASSIGNING and len(operand.args) == 2:  # noqa: PLR2004
            operator, operand = _ASSIGNING[operand.name], operand.args[1]
        if isinstance(operand, Op) and operand.name in {"form_size", "linked"}:
            operand = operand.args[0]
        try:
            value = self.stacks.evaluators[name].of(operand)(list(state), instance)
        except Fault:
            return member
        text = self.values.of(operand.type, value).text
        return (
            f"{operator}({text}, &{member})"
            if operator.isidentifier()
            else f"{member} {operator} {text}"
        )


_ASSIGNING = {
    "form_add": "+=",
    "form_sub": "-=",
    "add": "+=",
    "sub": "-=",
    "with": "list_add",
    "list_append": "list_add",
    "list_push": "list_add",
    "remove": "list_del",
    "without": "list_del",
    "list_remove": "list_del",
}


def _given(notes: list[Note], block: Block) -> str:
    """Return what an exchange returns: `add_return` what it stored, others what they loaded."""
    what = "store" if block.note == "add_return" else "load"
    values = [n.access.after.text for n in notes if n.access.what == what and n.access.after]
    return f": {values[0]}" if len(values) == 1 else ""


def _unless_left(notes: list[Note], block: Block) -> list[Note]:
    """Return the accesses without the store of what was there, of an exchange for the same."""
    if block.note != CMPXCHG and block.note not in EXCHANGES:
        return notes
    return [n for n in notes if n.access.what == "load" or n.access.before != n.access.after]


def _what_matters(notes: list[Note]) -> list[Note]:
    """Return the accesses that a row shows: changes if there are any, else loads."""
    changes = [n for n in notes if n.access.what != "load" and n.text]
    return _moved(changes) or notes[-1:]


def _moved(changes: list[Note]) -> list[Note]:
    """Return changes with a list_del() and the list_add() behind it told as one list_move()."""
    told: list[Note] = []
    for note in changes:
        item, _, target = note.text.removeprefix("list_add(").partition(", ")
        last = told[-1].text if told else ""
        if note.text.startswith("list_add(") and last.startswith(f"list_del({item}, "):
            told[-1] = Note(note.access, f"list_move({item}, {target}", note.span)
        else:
            told.append(note)
    return told
