"""Random small specs that are symmetric by construction: several processes of each kind.

Each has a node of its own, or all of a kind have the same one.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.random_programs import Program


class Symmetric(Program):
    """Writes programs whose setup starts each process two or three times, in the same way."""

    def setup(self) -> None:
        """Write the beginning."""
        self.write("", "", "@setup")
        cpu = ", cpu=0" if self.has("cpu") else ""
        with self.block("def begin() -> None:"):
            self.write("first = Node()")
            if self.chance(30):
                self.write("world.link = first")
            if self.has("list"):
                self.write("world.items.append(first)")
            self.write(f"world.n = {self.one('0', '1', '2')}")
            hired = any("start(worker" in line for line in self.lines)
            names = [name for name in self.started if name != "worker" or not hired]
            for name in names:
                count = self.one("2", "2", "3") if name == names[0] else "1"
                with self.block(f"for _ in range({count}):"):
                    self._start(name, cpu)

    def _start(self, name: str, cpu: str) -> None:
        node = "first"
        if self.chance(70):
            node = f"node_{name}"
            self.write(f"{node} = Node({self.one('', 'link=first', 'n=1')})")
            if self.chance(50):
                self.write(f"world.group.add({node})")
        self.write(f"start({name}, {node}{cpu})")


def generate(random: Random) -> str:
    """Return the text of a random symmetric program, which lacks only its imports."""
    return Symmetric(random).program()


def symmetric_programs() -> SearchStrategy[str]:
    """Random symmetric programs, as hypothesis draws them."""
    return st.randoms(use_true_random=False).map(generate)
