"""What is noted of a template's code while it is run: blocks, arms of branches, options of choices.

Engines note as they go, a byte for each. A step that turns out to be disabled was not run: what it
came through is noted only where it ends, or goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kmcheck.ir.code import Choose, Template
from kmcheck.ir.expr import Const
from kmcheck.ir.types import Bool, EnumType, SetOf, Type

ONE, SEVERAL = 0, 1
"""What is noted of a choice among objects: that there was one to choose, that there were more."""


@dataclass(frozen=True, slots=True)
class Exercised:
    """What was run of a template: a byte for each block, each arm, and each option of a choice.

    Of block `n` the arms are `2 * n`, if its condition is true, and the next. The options of all
    choices follow each other in the order of the code, `width` of them each.
    """

    blocks: bytes
    arms: bytes
    options: bytes


@dataclass(frozen=True, slots=True)
class Marks:
    """Where in one row of bytes each of them is, for one template."""

    blocks: int
    options: dict[tuple[int, int], int]
    """For each choice, by its block and its place there: where its options begin."""
    size: int

    def arm(self, block: int, number: int) -> int:
        """Return the place of an arm of a block's branch: 0 is where the condition is true."""
        return self.blocks + 2 * block + number

    def split(self, row: bytes | bytearray) -> Exercised:
        """Return what a row of bytes says."""
        arms, options = self.blocks, 3 * self.blocks
        return Exercised(bytes(row[:arms]), bytes(row[arms:options]), bytes(row[options:]))


def marks(template: Template) -> Marks:
    """Return where what is noted of a template is."""
    at = 3 * len(template.blocks)
    options = {}
    for number, block in enumerate(template.blocks):
        for place, instruction in enumerate(block.instructions):
            if isinstance(instruction, Choose):
                options[number, place] = at
                at += width(instruction)
    return Marks(len(template.blocks), options, at)


def sort_of(choose: Choose) -> Literal["place", "value", "number"]:
    """Return what tells the options of a choice apart.

    `place`: the options are given, and counted from 0. `value`: they are values of a type that has
    few. `number`: they are objects, which come and go; it is noted only how many there were.
    """
    if isinstance(choose.options, Const):
        return "place"
    return "value" if isinstance(element_of(choose), Bool | EnumType) else "number"


def width(choose: Choose) -> int:
    """Return how many options of a choice are noted."""
    if isinstance(choose.options, Const):
        assert isinstance(choose.options.value, int)
        return choose.options.value.bit_count()
    match element_of(choose):
        case Bool():
            return 2
        case EnumType(members=members):
            return len(members)
    return SEVERAL + 1


def element_of(choose: Choose) -> Type:
    """Return the type of what is chosen."""
    assert isinstance(choose.options.type, SetOf)
    return choose.options.type.element
