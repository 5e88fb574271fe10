"""Random statements of the spec language, over the kinds of `random_kinds`."""

from __future__ import annotations

from collections.abc import Callable

from tests.random_expressions import NAMES, Text


class Statements(Text):
    """Writes statements."""

    def statements(self, most: int, depth: int, least: int = 1) -> None:
        """Write some statements."""
        for _ in range(self.random.randint(least, most)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        """Write one statement."""
        simple = [self._store, self._store, self._local, self._assign, self._change]
        if self.has("set"):
            simple += [self._set, self._set]
        if self.has("list"):
            simple += [self._list, self._list]
        if self.has("marks"):
            simple += [self._marks]
        if self.has("ghost"):
            simple += [self._ghost]
        if self.in_process:
            simple += self._in_process()
        if self.place == "step" and self.in_process:
            simple += [self._pause]
        if self.loops:
            simple += [self._leave]
        nested = [self._if, self._if, self._for]
        if self.local("maybe") is not None:
            nested += [self._guard, self._guard]
        if self.place == "step" and self.in_process:
            nested += [self._while, self._atomic, self._atomic]
        if self.has("set"):
            nested += [self._for_members]
        if self.has("list") or self.has("array"):
            nested += [self._for_sequence]
        if self.place == "atomic" and self.has("each"):
            nested += [self._each]
        if depth > 0 and self.chance(35):
            self.random.choice(nested)(depth - 1)
        else:
            self.random.choice(simple)()

    def _in_process(self) -> list[Callable[[], None]]:
        found = [self._check]
        found += [self._wait] * (self.place == "step")
        found += [self._processes] * self.has("process")
        found += [self._free] * self.has("free")
        found += [self._start] * (self.has("start") and "worker" in self.started)
        found += [self._callback] * self.has("callback")
        found += [self._fresh] * self.has("uninit")
        return found

    # --- simple statements ----------------------------------------------------------------------

    def _store(self) -> None:
        kind = self.one("int", "int", "bool", "node", "colour")
        self.write(f"{self.fill('{place:' + kind + '}')} = {self.value(kind)}")

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

    def _change(self) -> None:
        if self.chance(15):
            self.write(f"{self.fill('{place:int}')} {self.one('+=', '-=')} {self.value('int', 0)}")
        elif self.place == "step" and self.in_process:
            self.write(f"bump({self.fill('{owner:int}')}.n)")

    def _set(self) -> None:
        group = self.fill("{group}")
        way = self.one("add", "add", "add", "discard", "discard", "remove", "update", "clear")
        if way == "clear":
            self.write(f"{group}.clear()")
        elif way == "update":
            self.write(f"{group}.update({self.fill('{group}')})")
        else:
            self.write(f"{group}.{way}({self.fill('{sure}')})")

    def _list(self) -> None:
        items = self.fill("{items}")
        match self.one(*["guarded"] * 5, "append", "push", "remove", "pop", "clear", "splice"):
            case "guarded":
                node = self.fill("{sure}")
                with self.block(f"if {node} not in {items}:"):
                    self.write(f"{items}.{self.one('append', 'push')}({node})")
            case ("append" | "push" | "remove") as way:
                self.write(f"{items}.{way}({self.fill('{sure}')})")
            case "splice":
                self.write(f"world.items.splice({self.fill('{items}')})")
            case way:
                self.write(f"{items}.{way}()")

    def _marks(self) -> None:
        self.write(f"world.marks.{self.one('add', 'discard')}({self.value('int', 0)})")

    def _ghost(self) -> None:
        with self.at("pure"):
            value = self.value("int", 1)
        if self.chance(50):
            self.write("world.ghost = (world.ghost + 1) % 3")
        else:
            with self.block("with ghost():"):
                self.write(f"world.ghost = {value}")

    def _pause(self) -> None:
        self.write("pause()")

    def _leave(self) -> None:
        with self.block(f"if {self.value('bool', 1)}:"):
            self.write(self.one("break", "continue"))

    def _check(self) -> None:
        if self.chance(20):
            self.write(f"assert {self.value('bool', 1)}")

    def _wait(self) -> None:
        with self.at("pure"):
            self.write(f"wait_until({self.value('bool')})")

    def _processes(self) -> None:
        self.write(
            self.one("world.who = me()", "world.waiters.add(me())", "world.waiters.discard(me())")
        )

    def _free(self) -> None:
        node = self.fill("{sure}")
        self.write(self.one(f"free({node})", f"free({node})", f"free({node}.part)"))

    def _start(self) -> None:
        self.write(f"start(worker, {self.fill('{sure}')})")

    def _callback(self) -> None:
        node = self.fill("{sure}")
        self.write(self.one("world.handler = mark", "world.handler = unmark"))
        if self.chance(60):
            self.write(f"world.handler({node})")

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
            self.write(f"{name}.n = {self.value('int', min(depth, 1))}")
