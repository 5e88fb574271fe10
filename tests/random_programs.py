"""Random small specs: valid, finite, and about nearly all that the language has but sizes."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kmcheck.diagnostics import SpecError
from kmcheck.solver import Solver
from kmcheck.system import TransitionSystem
from tests.language import system
from tests.random_kinds import EXIT, HOOK, KINDS
from tests.random_rules import SMALL
from tests.random_statements import Statements


class Program(Statements):
    """Writes functions, processes, properties, and whole programs."""

    def helper(self) -> None:
        """Write a function that computes a small number."""
        name = self.fresh("helper")
        self.write("", "")
        with self.block(f"def {name}(node: Node, k: int) -> {SMALL}:"):
            self.known = [("node", "node"), ("k", "int")]
            self.fixed |= {"node", "k"}
            self.statements(2, 1)
            if self.chance(40):
                with self.block(f"if {self.value('bool', 1)}:"):
                    self.write(f"return {self.value('int', 0)}")
            self.write(f"return {self.value('int', 1)}")
        self.helpers.append(name)

    def process(self, name: str, decorator: str) -> None:
        """Write a process."""
        self.write("", "", decorator)
        with self.block(f"def {name}(node: Node) -> None:"):
            self.known = [("node", "node")]
            self.in_process = True
            if self.chance(30):
                self._loop("while True:", 2)
            else:
                self.statements(7, 2, 3)
            self.in_process = False

    def action(self) -> None:
        """Write a guarded command."""
        self.write("", "", "@action")
        with self.block("def tick(node: Node) -> None:"):
            self.known = [("node", "node")]
            with self.at("pure"):
                self.write(f"wait_until({self.value('bool')})")
            with self.at("atomic"):
                self.statements(2, 0)

    def properties(self) -> None:
        """Write properties."""
        self.known = []
        for _ in range(self.random.randint(0, 2)):
            role = self.one("always", "always", "finally_", "step", "conserved")
            name = self.fresh("law")
            parameter = self.one("", "node: Node", "node: Node", "who: Process")
            self.write("", "", f"@{role}")
            with self.block(f"def {name}({parameter}) -> bool:"), self.at("pure"):
                self.known = [("node", "node")] if "node" in parameter else []
                formula = self.value("bool")
                if "who" in parameter:
                    asked = self.one("begun(who)", "ended(who)", "inside(who, one)")
                    formula = f"{asked} or {formula}"
                if role == "step":
                    formula = f"before({self.value('bool', 1)}) or {formula}"
                if self.chance(30):
                    formula = f"{formula} or world.link in closure(world.link, Node.link)"
                if self.has("ghost"):
                    formula = f"{formula} or world.ghost == 0"
                self.write(f"return {formula}")

    def setup(self) -> None:
        """Write the beginning."""
        self.write("", "", "@setup")
        with self.block("def begin() -> None:"):
            self.write("first = Node()")
            nodes = ["first"]
            if self.chance(60):
                self.write(self.one("second = Node(link=first)", "second = Node(n=2, flag=True)"))
                nodes.append("second")
            self.write(f"world.link = {self.one(*nodes)}")
            for node in nodes:
                with self.block(f"if {self.one('True', 'True', 'may_fail()')}:"):
                    self.write(f"world.group.add({node})")
                if self.has("list"):
                    self.write(f"world.items.append({node})")
            self.write(f"world.n = {self.one('0', '1', '2')}")
            for name in self.started:
                if name != "worker" or not any("start(worker" in line for line in self.lines):
                    cpu = f", cpu={self.one('0', '1')}" if self.has("cpu") else ""
                    self.write(f"start({name}, {self.one(*nodes)}{cpu})")

    def program(self) -> str:
        """Return a whole program."""
        if self.has("start"):
            self.started.append("worker")
        limit = ", limit=3" if self.has("alloc") or self.has("uninit") else ""
        hook, exits = (HOOK, EXIT) if self.has("hook") else ("", "")
        self.write(*KINDS.format(limit=limit, hook=hook, exit=exits).splitlines())
        for _ in range(self.random.randint(1, 2)):
            self.helper()
        for name in self.started:
            decorator = "@process"
            if name == "worker":
                decorator = "@process(limit=1)"
            elif self.chance(15):
                decorator = "@process(daemon=True)"
            self.process(name, decorator)
        if self.has("action"):
            self.action()
        self.properties()
        self.setup()
        return "\n".join(self.lines) + "\n"


def generate(random: Random) -> str:
    """Return the text of a random program, which lacks only its imports."""
    return Program(random).program()


def built(text: str) -> tuple[TransitionSystem, Solver] | None:
    """Return the system of a random program.

    None if what runs at its start goes wrong, or if it asks what is owed to objects that one step
    frees and makes.
    """
    try:
        return system(text)
    except SpecError as error:
        if {d.code for d in error.diagnostics} - {"K088", "K091"}:
            raise
        return None


def programs() -> SearchStrategy[str]:
    """Random programs, as hypothesis draws them."""
    return st.randoms(use_true_random=False).map(generate)


THOROUGH = bool(os.environ.get("KMCHECK_THOROUGH"))
"""Whether all programs are tried, or every test is content with the first half of its own."""


def on_random_programs(number: int, examples: int, test: Callable[[str], None]) -> None:
    """Run a test on so many random programs: the same ones each time for a number."""
    examples = examples if THOROUGH else (examples + 1) // 2

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # to make a failing program smaller takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def run(text: str) -> None:
        test(text)

    run()


def about_runs(text: str) -> str:
    """Return a random program whose properties are of runs."""
    kinds = {
        "@always": "@always_eventually",
        "@finally_": "@eventually",
        "@conserved": "@eventually",
    }
    for old, new in kinds.items():
        text = text.replace(f"{old}\n", f"{new}\n")
    return text
