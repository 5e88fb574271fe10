"""The shared variables of a litmus test, and what the values of a run are in them.

A litmus test knows integers and addresses. A field of an object is a variable of its own. An object
that somebody points to is one, too: pointers hold its address, and it is 1 once it is freed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kmcheck.explain import Story, evaluate
from kmcheck.render.litmus import words
from kmcheck.trace import Access, Value

Sort = Literal["number", "pointer", "code", "life", "lock", "flag"]

NUMBERS = {"NULL": 0, "false": 0, "true": 1}
SIZE = re.compile(r"size\(([^()]*)\)")


@dataclass(slots=True)
class Variable:
    """A shared variable: its name in C, and how values of the run are written in it.

    `codes` numbers values that are neither numbers nor addresses, in the order of their first use.
    """

    name: str
    sort: Sort
    what: str
    """What it is in the spec: `child->kmem.usage`."""
    initial: str = "0"
    atomic: bool = False
    """Whether it is changed by atomic operations."""
    codes: list[str] = field(default_factory=list)

    @property
    def parameter(self) -> str:
        """The variable as a parameter of a process."""
        kind = {"pointer": "int **", "lock": "spinlock_t *"}.get(self.sort, "int *")
        return f"{'atomic_t *' if self.atomic else kind}{self.name}"


class Places:
    """All shared variables of one run."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.variables: dict[tuple[str, str], Variable] = {}
        self.taken: set[str] = set()
        self.sizes = _sizes(story)

    def life(self, name: str) -> Variable:
        """Return the variable that is an object: 1 if it is freed."""
        return self._named((name, ""), name, "life", name)

    def lock(self, name: str) -> Variable:
        """Return a lock."""
        return self._named((name, "@lock"), name, "lock", name)

    def flag(self, process: str) -> Variable:
        """Return what says that a process was started."""
        return self._named((process, "@started"), f"started {process}", "flag", f"{process} starts")

    def place(self, thing: str, name: str) -> Variable:
        """Return a field's variable."""
        key = thing, name
        if key not in self.variables:
            member = self.story.family.member(thing, name)
            values = list(self._values(thing, name))
            sort: Sort = "code"
            if all(self.number(value) is not None for value in values):
                sort = "number"
            elif all(value.text == "NULL" or self._is_address(value) for value in values):
                sort = "pointer"
            found = self._named(key, member, sort, member)
            before = self._initial(thing, name)
            found.initial = self.written(found, before) if before else "0"
        return self.variables[key]

    def _named(self, key: tuple[str, str], name: str, sort: Sort, what: str) -> Variable:
        if key not in self.variables:
            word = words.name(name)
            while word in self.taken:
                word += "_"
            self.taken.add(word)
            self.variables[key] = Variable(word, sort, what)
        return self.variables[key]

    # --- values -----------------------------------------------------------------------------------

    def written(self, variable: Variable, value: Value) -> str:
        """Return a value as C writes it into the variable."""
        if variable.sort == "pointer":
            return "0" if value.text == "NULL" else self.life(value.targets[0]).name
        number = self.number(value) if variable.sort == "number" else None
        if number is not None:
            return str(number)
        if value.text not in variable.codes:
            variable.codes.append(value.text)
        return str(variable.codes.index(value.text))

    def number(self, value: Value) -> int | None:
        """Return the number that a value is, with a number for each size."""
        return NUMBERS.get(value.text, evaluate(value.text, self.sizes) if value.text else None)

    def count(self, value: Value) -> int | None:
        """Return the number, of what is counted: not of a flag or of NULL."""
        return None if value.text in NUMBERS else self.number(value)

    def _is_address(self, value: Value) -> bool:
        views = self.story.family.views
        return value.targets == (value.text,) and value.text in views

    def _values(self, thing: str, name: str) -> Iterator[Value]:
        initial = self._initial(thing, name)
        yield from [initial] if initial else []
        for access in accesses(self.story):
            if (access.thing, access.field) == (thing, name):
                yield from (value for value in (access.before, access.after) if value)

    def _initial(self, thing: str, name: str) -> Value | None:
        for view in self.story.trace.initial.objects:
            if view.name == thing:
                return dict(view.fields).get(name)
        return None


def accesses(story: Story) -> Iterator[Access]:
    """Yield what the run does to fields: ghosts are no part of the design."""
    for event in story.trace.events:
        yield from (access for access in event.accesses if access.field and not access.ghost)


def _sizes(story: Story) -> dict[str, int]:
    """Return a number for each size: that of the violation, or one that tells it from others."""
    values = [v for a in accesses(story) for v in (a.before, a.after) if v]
    values += [v for view in story.trace.initial.objects for _, v in view.fields]
    names: Sequence[str] = [name for value in values for name in SIZE.findall(value.text)]
    found = {name: 2**i for i, name in enumerate(dict.fromkeys(names))}
    return found | dict(story.trace.violation.sizes)
