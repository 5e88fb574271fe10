"""Take away a lock or a read section: all that begins it, and all that ends it.

Which begins and ends belong together is found by going through the function as it may run. A lock
that is taken in two arms and released behind them is one section; so is one that is released and
taken again on one of the ways to its end. Where one function begins and another one ends, all that
may belong together is one section: all calls for locks of that name that are not closed in their
own function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kmcheck.editing import Body, Change, Edit, Mutator, call_of, instead, statement_call, without

ENDS = {
    "local_irq_save": "local_irq_restore",
    "lock_irqsave": "unlock_irqrestore",
    "lock": "unlock",
    "down_": "up_",
    "disable": "enable",
    "get_cpu": "put_cpu",
}
"""Parts of the names of what begins a section, and what stands there in the name of its end."""

BESIDE = ("_nested", "_unfair")
"""What a beginning may say beside: the end does not say it."""

Open = frozenset[tuple[int, ...]]
"""What may be open at a place: the numbers of begins, the last one is closed first."""


class Sections:
    """The mutator on the shelf."""

    name = "section"

    def changes(self, functions: Sequence[ast.FunctionDef]) -> Iterator[Change]:
        """Yield a change for each section: the calls that begin it, with those that end it."""
        ways = [way for function in functions for way in _ways(function)]
        alike: dict[tuple[str, str], list[Way]] = {}
        for way in ways:
            alike.setdefault((way.end, way.key.rpartition(".")[2]), []).append(way)
        for some in alike.values():
            apart = [part for way in some for part in way.apart()]
            begun, ended = (any(part[side] for part in apart) for side in (0, 1))
            dropped = any(_is_whole(list(way.apart())) for way in some)
            for way in some:
                for group in way.groups():
                    behind = ended and way.is_open_behind(group)
                    if dropped or behind or (begun and group[1] & way.alone):
                        apart.append(group)
                    else:
                        yield _without([group])
            if _is_whole(apart):
                yield _without(apart)


Call = tuple[ast.stmt, ast.Call, str, list[str]]

Group = tuple[set[ast.stmt | ast.expr], set[ast.stmt]]
"""What begins a section, and what ends it."""


def _ways(function: ast.FunctionDef) -> Iterator[Way]:
    """Yield the ways through a function for each lock of which it begins or ends a section."""
    calls = list(_calls(function.body))
    wanted = {(end, key) for _, end, key in _begins(calls)}
    wanted |= {(name, _key(name, args)) for _, _, name, args in calls if _is_end(name)}
    for end, key in sorted(wanted):
        yield Way(function, end, key)


def _is_whole(groups: list[Group]) -> bool:
    """Tell whether something begins there, and something ends."""
    return all(any(group[side] for group in groups) for side in (0, 1))


def _without(groups: list[Group]) -> Change:
    """Return the change that takes all that begins and ends away."""
    begins = sorted({b for group in groups for b in group[0]}, key=lambda b: b.lineno)
    ends = {end for group in groups for end in group[1]}
    return Change(
        ast.unparse(begins[0]),
        begins[0].lineno,
        (*map(_gone, begins), *map(without, ends)),
        places=tuple((b.lineno, ast.unparse(b)) for b in begins),
    )


def _calls(body: Body) -> Iterator[Call]:
    """Yield all calls of a block, each with the statement that evaluates it."""
    for statement in body:
        yield from _own(statement)
        for part in _parts(statement):
            yield from _calls(part)


def _own(statement: ast.stmt) -> Iterator[Call]:
    """Yield the calls of a statement that are in none of its blocks."""
    inside = {id(s) for part in _inner(statement) for s in part}
    ahead: list[ast.AST] = [statement]
    while ahead:
        node = ahead.pop()
        call = call_of(node)
        if call is not None and isinstance(node, ast.Call):
            yield statement, node, *call
        ahead += [n for n in ast.iter_child_nodes(node) if id(n) not in inside]


def _parts(statement: ast.stmt) -> list[Body]:
    """Return the blocks of a statement, but for what ghosts do."""
    if isinstance(statement, ast.With):
        called = (call_of(item.context_expr) for item in statement.items)
        if any(call is not None and call[0] == "ghost" for call in called):
            return []
    return _inner(statement)


def _inner(statement: ast.stmt) -> list[Body]:
    return [part for name in ("body", "orelse") if (part := getattr(statement, name, None))]


def _begins(calls: list[Call]) -> Iterator[tuple[ast.AST, str, str]]:
    """Yield what begins a section: the node to edit, the name of its end, what is locked."""
    for statement, node, name, args in calls:
        end = _end(name)
        if end is None:
            continue
        tries = "trylock" in name
        if tries or ((call := statement_call(statement)) is not None and call[0] == name):
            yield (node if tries else statement), end, _key(end, args)


def _end(name: str) -> str | None:
    """Return the name of what ends the section that a call begins."""
    if "unlock" in name:
        return None
    for word in BESIDE:
        name = name.replace(word, "")
    if "trylock" in name:
        name = name.replace("_trylock" if name.startswith("down_") else "try", "")
    if "try" in name:
        return None
    return next((name.replace(b, e) for b, e in ENDS.items() if b in name), None)


def _is_end(name: str) -> bool:
    return any(end in name for end in ENDS.values())


def _key(end: str, args: list[str]) -> str:
    """Return what is locked: flags that are given back are not."""
    return args[0] if args and end != ENDS["local_irq_save"] else ""


@dataclass
class Way:
    """The ways through a function, for the sections of one lock."""

    function: ast.FunctionDef
    end: str
    key: str
    begins: list[ast.stmt | ast.expr] = field(default_factory=list)
    """In the order in which they are come to first."""
    pairs: set[tuple[int, ast.stmt]] = field(default_factory=set)
    """Which begin is closed by which end, on some way."""
    left: list[Open] = field(default_factory=list)
    """What is open where the loops around are left, or go round again."""
    behind: Open = frozenset()
    """What may be open when the function is left."""
    ends: list[ast.stmt] = field(default_factory=list)
    """In the order in which they are come to first."""
    alone: set[ast.stmt] = field(default_factory=set)
    """Ends that nothing may have begun before."""

    def __post_init__(self) -> None:
        """Go through the function."""
        end = self._through(self.function.body, frozenset({()}))
        self.behind |= end

    def groups(self) -> list[Group]:
        """Return what belongs together: begins and ends, each with the others on some way."""
        groups: list[tuple[set[int], set[ast.stmt]]] = []
        for begin, end in self.pairs:
            near = [g for g in groups if begin in g[0] or end in g[1]]
            joined = {begin}.union(*(g[0] for g in near)), {end}.union(*(g[1] for g in near))
            groups = [g for g in groups if g not in near] + [joined]
        return [({self.begins[n] for n in numbers}, ends) for numbers, ends in groups]

    def is_open_behind(self, group: Group) -> bool:
        """Tell whether a section may still be open when the function is left."""
        return any(self.begins[number] in group[0] for stack in self.behind for number in stack)

    def apart(self) -> Iterator[Group]:
        """Yield begins without an end here, and ends without a begin.

        Where there are both, the function drops what its caller has begun, and begins it again.
        """
        begun, ended = {n for n, _ in self.pairs}, {end for _, end in self.pairs}
        for number, begin in enumerate(self.begins):
            if number not in begun:
                yield {begin}, set()
        for end in self.ends:
            if end not in ended:
                yield set(), {end}

    def _through(self, body: Body, before: Open) -> Open:
        """Return what may be open behind a block."""
        now = before
        for statement in body:
            now = self._behind(statement, now)
        return now

    def _behind(self, statement: ast.stmt, before: Open) -> Open:
        now = self._does(statement, before)
        match statement:
            case ast.If(body=body, orelse=orelse):
                return self._through(body, now) | self._through(orelse, now)
            case ast.While(body=body) | ast.For(body=body):
                return self._around(statement, body, now)
            case ast.With():
                for part in _parts(statement):
                    now = self._through(part, now)
            case ast.Return():
                self.behind |= now
                return frozenset()
            case ast.Break() | ast.Continue() if self.left:
                self.left[-1] |= now
                return frozenset()
        return now

    def _around(self, loop: ast.stmt, body: Body, before: Open) -> Open:
        """Return what may be open behind a loop, after any number of turns."""
        now, known = before, frozenset[tuple[int, ...]]()
        while now != known:
            known = now
            self.left.append(frozenset())
            turned = self._through(body, now)
            now |= self._does(loop, turned) | self.left.pop()
        return now

    def _does(self, statement: ast.stmt, before: Open) -> Open:
        """Return what may be open behind what a statement does itself."""
        now = before
        calls = list(_own(statement))
        for node, end, key in _begins(calls):
            if (end, key) == (self.end, self.key):
                now = self._opened(node, now, tries=node is not statement)
        for _, _, name, args in calls:
            if name == self.end and _key(name, args) == self.key:
                self.ends += [statement] * (statement not in self.ends)
                self.pairs |= {(stack[-1], statement) for stack in now if stack}
                self.alone |= {statement} if () in now else set()
                now = frozenset(stack[:-1] for stack in now)
        return now

    def _opened(self, node: ast.AST, before: Open, *, tries: bool) -> Open:
        """Return what may be open behind a begin, which has taken nothing if it only tries."""
        assert isinstance(node, ast.stmt | ast.expr)
        if node not in self.begins:
            self.begins.append(node)
        number = self.begins.index(node)
        # nobody is in a section twice by the same call, but where it tries in vain
        more = frozenset((*stack, number) if number not in stack else stack for stack in before)
        return more | before if tries else more


def _gone(begin: ast.stmt | ast.expr) -> Edit:
    return without(begin) if isinstance(begin, ast.stmt) else instead(begin, "True")


MUTATOR: Mutator = Sections()
