"""Random expressions of the spec language, made by the rules of `random_rules`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.random_rules import FEATURES, RULES


class Text:
    """One program under way.

    `place` says what an expression is evaluated as: `step` (access by access), `atomic`, or `pure`
    (in a guard or a property, where nothing happens).
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.pad = ""
        self.known: list[tuple[str, str]] = []
        """The variables in scope, and what each is: int, bool, node, or maybe (a node or None)."""
        self.place = "step"
        self.loops = 0
        self.names = 0
        self.helpers: list[str] = []
        self.in_process = False
        self.fixed: set[str] = set()
        """Names that are not assigned again."""
        self.started = ["one", "two"]
        self.features = set(random.sample(FEATURES, random.randint(3, 7)))

    def has(self, feature: str) -> bool:
        return feature in self.features

    def one(self, *options: str) -> str:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.randint(1, 100) <= percent

    def write(self, *lines: str) -> None:
        self.lines += [self.pad + line for line in lines]

    def fresh(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write a block: what is declared in it is not known behind it."""
        self.write(head)
        known, at = list(self.known), len(self.lines)
        self.pad += "    "
        yield
        if len(self.lines) == at:
            self.write("pass")
        self.pad = self.pad[4:]
        self.known = known

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        outer, self.place = self.place, place
        yield
        self.place = outer

    # --- expressions ----------------------------------------------------------------------------

    def local(self, kind: str) -> str | None:
        names = [name for name, k in self.known if k == kind]
        return self.random.choice(names) if names else None

    def value(self, kind: str, depth: int = 2) -> str:
        """Return an expression."""
        known = self.local("maybe" if kind == "node" and self.chance(60) else kind)
        way = self.random.randint(1, 3)
        if way == 1 and known is not None:
            return known
        return self.fill("{place:" + kind + "}" if way == 2 else self._rule(kind, depth), depth)

    def fill(self, text: str, depth: int = 1) -> str:
        """Return a text with something for every name in braces."""
        return re.sub(r"{([\w:]+)}", lambda found: self._filled(found.group(1), depth), text)

    def _filled(self, name: str, depth: int) -> str:
        match name:
            case "sure":
                return self.local("node") or "world.link"
            case "maybe":
                return self.local("maybe") or "world"
            case "helper":
                return self.one(*self.helpers) if self.helpers else "max"
            case "int" | "bool" | "node" | "colour":
                return self.value(name, depth - 1)
            case _:
                return self.fill(self._rule(name, depth), depth)

    def _rule(self, name: str, depth: int) -> str:
        there = {"": True, "deep": depth > 0, "process": self.in_process}
        there |= {"code": self.place != "pure", "whole": self.place != "step"}
        there |= {"step": self.place == "step", "rare": self.chance(25)}
        there |= {"waiting": self.has("process")}
        possible = [
            text
            for text, needs in RULES[name]
            if all(there.get(need, self.has(need)) for need in needs.split(" "))
        ]
        return self.random.choice(possible)
