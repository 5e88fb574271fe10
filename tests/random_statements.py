"""Random statements of the spec language, made by the rules of `random_rules`."""

from __future__ import annotations

from collections.abc import Callable

from tests.random_expressions import Text
from tests.random_rules import NAMES


class Statements(Text):
    """Writes statements."""

    def statements(self, most: int, depth: int, least: int = 1) -> None:
        """Write some statements."""
        for _ in range(self.random.randint(least, most)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        """Write one statement."""
        if depth > 0 and self.chance(35):
            self.random.choice(self._nested())(depth - 1)
        elif self.chance(35):
            self.random.choice(self._simple())()
        else:
            self.write(self.fill("{statement}", 2))

    def _simple(self) -> list[Callable[[], None]]:
        found = [self._local, self._local, self._assign]
        found += [self._leave] * (self.loops > 0)
        found += [self._guarded] * 3 * self.has("list")
        found += [self._ghost] * self.has("ghost")
        found += [self._wait] * (self.in_process and self.place == "step")
        found += [self._fresh] * (self.in_process and self.has("uninit"))
        return found

    def _nested(self) -> list[Callable[[int], None]]:
        found: list[Callable[[int], None]] = [self._if, self._if, self._for]
        found += [self._guard] * 2 * (self.local("maybe") is not None)
        if self.place == "step" and self.in_process:
            found += [self._while, self._atomic, self._atomic]
        found += [self._for_members] * self.has("set")
        found += [self._for_sequence] * (self.has("list") or self.has("array"))
        found += [self._each] * (self.place == "atomic" and self.has("each"))
        return found

    # --- simple statements ----------------------------------------------------------------------

    def _local(self) -> None:
        kind = self.one("int", "bool", "node")
        name = self.fresh(kind)
        self.write(f"{name}: {NAMES[kind]} = {self.value(kind)}")
        self.known.append((name, "maybe" if kind == "node" else kind))

    def _assign(self) -> None:
        kind = self.one("int", "bool", "maybe")
        known = self.local(kind)
        if known is None or known in self.fixed:
            self._local()
        else:
            self.write(f"{known} = {self.value('node' if kind == 'maybe' else kind)}")

    def _leave(self) -> None:
        with self.block(f"if {self.value('bool', 1)}:"):
            self.write(self.one("break", "continue"))

    def _guarded(self) -> None:
        node, items = self.fill("{sure}"), self.fill("{items}")
        with self.block(f"if {node} not in {items}:"):
            self.write(f"{items}.{self.fill('{grow}')}({node})")

    def _ghost(self) -> None:
        with self.block("with ghost():"), self.at("pure"):
            self.write(f"world.ghost = {self.value('int', 1)}")

    def _wait(self) -> None:
        with self.at("pure"):
            self.write(f"wait_until({self.value('bool')})")

    def _fresh(self) -> None:
        name = self.fresh("node")
        self.write(f"{name} = uninitialised(Node)")
        for field, value in (("n", "1"), ("flag", "False"), ("link", "None"), ("group", "SetOf()")):
            if self.chance(80):
                self.write(f"{name}.{field} = {value}")
        self.known.append((name, "node"))
        self.fixed.add(name)

    # --- nested statements ----------------------------------------------------------------------

    def _if(self, depth: int) -> None:
        with self.block(f"if {self.value('bool')}:"):
            self.statements(2, depth)
        if self.chance(40):
            with self.block("else:"):
                self.statements(2, depth)

    def _guard(self, depth: int) -> None:
        name = self.local("maybe")
        with self.block(f"if {name} is not None:"):
            self.known = [(n, k) for n, k in self.known if n != name]
            if name is not None:
                self.known.append((name, "node"))
                self.fixed.add(name)
            self.statements(3, depth)

    def _for(self, depth: int) -> None:
        name = self.fresh("turn")
        self._loop(f"for {name} in range({self.one('1', '2')}):", depth)

    def _while(self, depth: int) -> None:
        head = "while True:" if self.chance(40) else f"while {self.value('bool')}:"
        self._loop(head, depth)

    def _loop(self, head: str, depth: int, member: str = "", kind: str = "node") -> None:
        with self.block(head):
            if member:
                self.known.append((member, kind))
                self.fixed.add(member)
            self.loops += 1
            self.statements(2, depth)
            self.loops -= 1

    def _atomic(self, depth: int) -> None:
        loops, self.loops = self.loops, 0
        with self.block("with atomic():"), self.at("atomic"):
            if self.chance(40):
                with self.at("pure"):
                    self.write(f"wait_until({self.value('bool')})")
            self.statements(3, depth)
        self.loops = loops

    def _for_members(self, depth: int) -> None:
        name = self.fresh("node")
        self._loop(f"for {name} in {self.fill('{group}')}:", depth, name)

    def _for_sequence(self, depth: int) -> None:
        name = self.fresh("node")
        if self.has("list") and self.chance(60):
            self._loop(f"for {name} in {self.fill('{items}')}:", depth, name)
        else:
            self._loop(f"for {name} in world.links:", depth, name, "maybe")

    def _each(self, depth: int) -> None:
        name = self.fresh("node")
        with self.block(f"for {name} in each({self.fill('{group}')}):"):
            self.known.append((name, "node"))
            with self.at("pure"):
                self.write(f"{name}.n = {self.value('int', min(depth, 1))}")
