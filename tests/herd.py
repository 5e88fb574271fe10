"""A litmus test read as herd7 reads it, and run on a machine that is sequentially consistent.

That is enough to see that a test says what the run did: the run is one of that machine's. What may
stand in a test is what `linux-kernel.def` and herd7's C have; anything else is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VALUE = r"-?\w+"
STATEMENTS: dict[str, str] = {
    "load": r"(r\d+) = (?:READ_ONCE|rcu_dereference)\(\*(\w+)\);",
    "acquire": r"(r\d+) = smp_load_acquire\((\w+)\);",
    "plain load": r"(r\d+) = \*(\w+);",
    "store": rf"(?:WRITE_ONCE|rcu_assign_pointer)\(\*(\w+), ({VALUE})\);",
    "release": rf"smp_store_release\((\w+), ({VALUE})\);",
    "plain store": rf"\*(\w+) = ({VALUE});",
    "add": r"(r\d+) = atomic_fetch_(add|sub)(?:_relaxed|_acquire|_release)?\((\d+), (\w+)\);",
    "xchg": rf"(r\d+) = xchg(?:_relaxed|_acquire|_release)?\((\w+), ({VALUE})\);",
    "lock": r"spin_(lock|unlock)\((\w+)\);",
    "section": r"rcu_read_(lock|unlock)\(\);",
    "grace": r"synchronize_rcu(?:_expedited)?\(\);",
    "fence": r"smp_(?:mb|rmb|wmb|mb__\w+)\(\);",
}
NAME = r"[a-zA-Z][\w/.-]*"
SPLITS = {"final", "forall", "exists", "cases", "observed", "Observed", "locations", "filter"}
KEYWORDS = {
    *SPLITS, "lock", "unlock", "int", "if", "else", "while", "char", "long", "struct", "void",
    "with", "tag", "fault", "valid", "pending", "active", "enabled", "priority", "true", "false",
    "and", "not", "nop",
}  # fmt: skip
"""What is no name to one of herd7's lexers."""
TYPES = r"(?:int \*\*|int \*|atomic_t \*|spinlock_t \*)(\w+)"
State = tuple[tuple[int, ...], tuple[tuple[str, str], ...], tuple[frozenset[int], ...]]


@dataclass(frozen=True)
class Test:
    """Statements of each process, the values of variables at first, and the condition."""

    name: str
    initial: dict[str, str]
    processes: list[list[tuple[str, tuple[str, ...]]]]
    condition: list[tuple[str, str]]


def parse(text: str) -> Test:
    """Read a test; whatever the grammar does not have is an AssertionError."""
    head, comment, rest = re.split(r"\(\*(.*?)\*\)\n", text, maxsplit=1, flags=re.DOTALL)
    name = re.fullmatch(r"C ([\w+.-]+)\n\n", head)
    assert name, head
    assert not {"(*", "{", '"'} & {comment[i : i + n] for i in range(len(comment)) for n in (1, 2)}
    begin = re.match(r"\n\{\n((?:\w+=-?\w+;\n)*)\}\n", rest)
    assert begin, rest[:80]
    initial = dict(re.findall(r"(\w+)=(-?\w+);", begin[1]))
    code, condition = _split(rest[begin.end() :])
    processes = []
    for number, body in enumerate(re.split(r"\n// [^\n]*\n(?=P\d)", f"\n{code.lstrip()}")[1:]):
        processes.append(_process(number, body))
    return Test(name[1], initial, processes, _condition(condition))


def _split(text: str) -> tuple[str, str]:
    """Split as herd7's splitter does: it looks into comments, too."""
    assert '"' not in text
    at = next(m for m in re.finditer(NAME, text) if m[0] in SPLITS)
    assert text[at.start() :].startswith("exists (")
    return text[: at.start()].rstrip("\n") + "\n", text[at.start() + len("exists (") :]


def _process(number: int, body: str) -> list[tuple[str, tuple[str, ...]]]:
    head, *lines = [line for line in body.strip().splitlines() if line.strip()]
    assert lines[0] == "{"
    assert lines[-1] == "}"
    parameters = re.fullmatch(rf"P{number}\(((?:{TYPES}(?:, )?)*)\)", head)
    assert parameters, head
    assert not any("{" in line or "}" in line for line in lines[1:-1])
    assert len(lines) > 2, "a body has a statement or a declaration"
    known = set(re.findall(r"\*(\w+)", parameters[1]))
    assert not known & KEYWORDS
    found = []
    for line in lines[1:-1]:
        if declared := re.fullmatch(r"  int \*?(r\d+);", line):
            known.add(declared[1])
            continue
        statement = re.sub(r"  /\* .* \*/$", "", line.removeprefix("  "))
        if re.fullmatch(r"/\* .* \*/", statement):
            continue
        kind = [(k, m) for k, rule in STATEMENTS.items() if (m := re.fullmatch(rule, statement))]
        assert len(kind) == 1, line
        words = kind[0][1].groups()
        for word in words:
            assert word in known | {"add", "sub", "lock", "unlock"} or word.lstrip("-").isdigit()
        found.append((kind[0][0], words))
    return found


def _condition(text: str) -> list[tuple[str, str]]:
    inner = text.rstrip().removesuffix(")").replace("\n", "").replace("  ", "")
    if inner == "true":
        return []
    parts = [
        re.fullmatch(r"((?:\d+:r\d+)|\w+)=(-?\w+)", part.strip()) for part in inner.split("/\\")
    ]
    assert all(parts), inner
    return [(part[1], part[2]) for part in parts if part]


def is_reached(test: Test) -> bool:
    """Tell whether some interleaving ends with the condition true."""
    wanted = dict(test.condition)
    begin = (0,) * len(test.processes)
    todo: list[State] = [(begin, tuple(sorted(test.initial.items())), (frozenset(),) * len(begin))]
    seen = set(todo)
    while todo:
        state = todo.pop()
        pcs, memory, _ = state
        if all(pc == len(p) for pc, p in zip(pcs, test.processes, strict=True)):
            values = dict(memory)
            if all(values.get(name, "0") == value for name, value in wanted.items()):
                return True
        for who in range(len(pcs)):
            after = _step(test, state, who, wanted)
            if after is not None and after not in seen:
                seen.add(after)
                todo.append(after)
    return False


def _step(test: Test, state: State, who: int, wanted: dict[str, str]) -> State | None:
    """Take a process's next statement; None if it waits, or has read what is not wanted."""
    pcs, pairs, waits = state
    memory = dict(pairs)
    if pcs[who] == len(test.processes[who]):
        return None
    kind, words = test.processes[who][pcs[who]]

    def at(name: str) -> str:
        return memory.get(f"{who}:{name}", name)  # a register, or a variable

    if kind in {"load", "acquire", "plain load"}:
        memory[f"{who}:{words[0]}"] = memory.get(at(words[1]), "0")
    elif kind in {"store", "release", "plain store"}:
        memory[at(words[0])] = at(words[1])
    elif kind == "add":
        register, sign, amount, name = words
        before = memory.get(name, "0")
        memory[f"{who}:{register}"] = before
        memory[name] = str(int(before) + int(amount) * (1 if sign == "add" else -1))
    elif kind == "xchg":
        memory[f"{who}:{words[0]}"] = memory.get(words[1], "0")
        memory[words[1]] = at(words[2])
    elif kind == "lock":
        held = memory.get(words[1], "0")
        if words[0] == "lock" and held != "0":
            return None
        memory[words[1]] = str(who + 1) if words[0] == "lock" else "0"
    elif kind == "section":
        depth = int(memory.get(f"{who}:@", "0")) + (1 if words[0] == "lock" else -1)
        memory[f"{who}:@"] = str(depth)
        if not depth:
            waits = tuple(w - {who} for w in waits)
    elif kind == "grace":
        readers = frozenset(i for i in range(len(pcs)) if memory.get(f"{i}:@", "0") != "0")
        if waits[who] - {-1}:
            return None
        if not waits[who]:  # it begins: once all readers of now are out, it is over
            started = tuple(readers | {-1} if i == who else w for i, w in enumerate(waits))
            return pcs, pairs, started
        waits = tuple(frozenset() if i == who else w for i, w in enumerate(waits))
    registers = {name: value for name, value in memory.items() if name in wanted and ":" in name}
    if any(wanted[name] != value for name, value in registers.items()):
        return None
    moved = tuple(pc + (i == who) for i, pc in enumerate(pcs))
    return moved, tuple(sorted(memory.items())), waits
