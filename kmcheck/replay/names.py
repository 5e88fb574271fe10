"""What things are called in a trace: objects by setup's variables, processes as CPUs."""

from __future__ import annotations

from collections import Counter

from kmcheck.ir.layout import Layout
from kmcheck.ir.types import CPU_OR_NONE, Size

Identity = tuple[str, int]
"""An object's kind and slot."""


class Names:
    """Keeps the names while a run is told. A slot that is used again names another object."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.current: dict[Identity, str] = {}
        self.former: dict[Identity, str] = {}
        self.numbers: Counter[str] = Counter()
        self.symbols: dict[int, str] = {}
        self.processes: dict[int, str] = {}
        self.started: Counter[str] = Counter()
        for kind, groups in layout.groups.items():
            for group in groups:
                if group.role == "global":
                    self.current[kind, group.base] = group.name.rpartition(".")[2]
                elif group.role == "cpu":
                    for i in range(group.count):
                        self.current[kind, group.base + i] = f"{group.name}[{i}]"

    def setup(self, allocated: list[tuple[str, int, str]]) -> None:
        """Name what setup allocated: by its variable if that names one object, else by a number."""
        uses = Counter(hint for _, _, hint in allocated)
        for kind, index, hint in allocated:
            if hint and uses[hint] == 1 and hint.lower() != _plain(kind):
                self.current[kind, index] = hint
            else:
                self.number(kind, index)

    def number(self, kind: str, index: int) -> str:
        """Give an object the next number of its kind."""
        name = f"{_plain(kind)}#{self.numbers[kind]}"
        self.numbers[kind] += 1
        self.current[kind, index] = name
        return name

    def sized(self, kind: str, index: int, state: tuple[object, ...]) -> None:
        """Note which sizes belong to a new object."""
        for name, info in self.layout.program.kinds[kind].fields.items():
            if isinstance(info.type, Size):
                symbol = state[self.layout.fields[kind, name] + index]
                several = (
                    sum(
                        isinstance(f.type, Size)
                        for f in self.layout.program.kinds[kind].fields.values()
                    )
                    > 1
                )
                owner = self.of(kind, index)
                self.symbols[int(str(symbol))] = f"{owner}->{name}" if several else owner

    def freed(self, kind: str, index: int) -> None:
        """Note that an object is gone: its name stays for those who still point at it."""
        for part in self.layout.parts(kind, index):
            self.former[part] = self.of(*part)

    def of(self, kind: str, index: int, *, stale: bool = False) -> str:
        """Return an object's name; that of an embedded one is `child->kmem`."""
        if stale and (kind, index) in self.former:
            return self.former[kind, index]
        if (kind, index) in self.current:
            return self.current[kind, index]
        for group in self.layout.groups[kind]:
            if group.role == "embedded" and group.base <= index < group.base + group.count:
                outer = self.of(group.container, index - group.base, stale=stale)
                dot = (
                    "."
                    if "->" in outer or self._is_global(group.container, index - group.base)
                    else "->"
                )
                return f"{outer}{dot}{group.name}"
            if group.role == "process" and group.base <= index < group.base + group.count:
                return f"{group.name}[{self.process(index - group.base)}]"
        return f"{_plain(kind)}#?"

    def member(self, kind: str, index: int, field: str, *, stale: bool = False) -> str:
        """Return a field of an object as C: `child->kmem.usage`, `table.session`."""
        owner = self.of(kind, index, stale=stale)
        inside = "->" in owner or self.layout.life_slot(kind, index) is None
        return f"{owner}{'.' if inside else '->'}{field}"

    def _is_global(self, kind: str, index: int) -> bool:
        return any(
            group.role in ("global", "cpu") and group.base <= index < group.base + group.count
            for group in self.layout.groups[kind]
        )

    def start(self, number: int, *, in_setup: bool) -> None:
        """Name a process that starts: CPUs in setup's order, others after their function."""
        template, _ = self.layout.process_of(number)
        short = template.rpartition(".")[2]
        if in_setup:
            self.processes[number] = f"CPU{len(self.processes)}"
            return
        self.processes[number] = f"{short}#{self.started[short]}" if self.started[short] else short
        self.started[short] += 1

    def process(self, number: int) -> str:
        """Return a process's name."""
        return self.processes.get(number, f"process {number}")

    def symbol(self, symbol: int) -> str:
        """Return whose size a symbol stands for."""
        return self.symbols.get(symbol, f"size {symbol}")

    def renumber(self, acting: list[int]) -> None:
        """Give the first CPU numbers to the processes that act, in setup's order."""
        cpus = sorted(n for n, name in self.processes.items() if name.startswith("CPU"))
        by_start = sorted(cpus, key=lambda n: int(self.processes[n][3:]))
        ordered = [n for n in by_start if n in acting] + [n for n in by_start if n not in acting]
        for position, number in enumerate(ordered):
            self.processes[number] = f"CPU{position}"

    def bind(self, state: tuple[object, ...]) -> None:
        """Where there are gates, name processes after their CPU and function: `CPU0/timer`."""
        templates = self.layout.program.templates.values()
        if all(t.variables.get("@cpu") != CPU_OR_NONE for t in templates):
            return
        for number in sorted(self.processes, key=lambda n: int(self.processes[n][3:])):
            template, instance = self.layout.process_of(number)
            slot = self.layout.variables.get((template, "@cpu"))
            cpu = -1 if slot is None else int(str(state[slot + instance]))
            name = template.rpartition(".")[2]
            name = name if cpu < 0 else f"CPU{cpu}/{name}"
            self.processes[number] = f"{name}#{self.started[name]}" if self.started[name] else name
            self.started[name] += 1


def _plain(kind: str) -> str:
    return kind.partition("(")[0].lower()
