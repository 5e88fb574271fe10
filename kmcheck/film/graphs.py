"""The heap over time in DOT: one graph a step, and every graph has the same layout.

All that is ever there is in every graph, with the same sizes, and what is absent is invisible: so
`dot` puts everything in the same place each time.
"""

from __future__ import annotations

import graphviz

from kmcheck.explain import Arrow, Heap, Shot, Story, heap, plain, wrapped

EM = 0.602
SIZE, TITLE = 11, 13
LONGEST = 44
"""Characters of a fact in a box."""
WIDEST, LINES = 76, 3
"""Characters of a line of a caption, and the lines that it has at most."""
BLANK = "&#160;"
DANGLING = "DANGLING"
COLOURS = {"plain": "#59636e", "changed": "#1a6b34", "stale": "#8c959f", "dangling": "#b8290e"}
FILLS = {"live": "#e6f4e9", "dying": "#fff4d1", "freed": "#f3f4f6"}
EDGES = {"live": "#1a6b34", "dying": "#8a6100", "freed": "#59636e"}
STYLES = {
    "live": "filled,rounded",
    "dying": "filled,rounded,bold",
    "freed": "filled,rounded,dashed",
}


def film(story: Story, paper: str = "white") -> str:
    """Return a DOT document with a graph for each shot, on paper of a colour."""
    graph = heap(story)
    return "".join(Film(story, graph, paper).draw(i) for i in range(len(graph.shots)))


class Film:
    """What is the same in every graph: names, sizes, places."""

    def __init__(self, story: Story, graph: Heap, paper: str) -> None:
        """Measure what has to have one size over all shots."""
        self.story, self.heap, self.paper = story, graph, paper
        self.pointers = {
            (name, fact.field)
            for shot in graph.shots
            for name, look in shot.looks.items()
            for fact in look.facts
            if fact.value.targets
        }
        names = (*graph.processes, *graph.objects)
        self.ids = {name: f"n{i}" for i, name in enumerate(names)}
        self.lines = {
            name: max(len(self._lines(name, shot)) for shot in graph.shots)
            for name in graph.objects
        }
        self.chars = {
            name: max(
                len(line) for shot in graph.shots for line in (*self._lines(name, shot), "FREED")
            )
            for name in graph.objects
        }
        tones = [pair for shot in graph.shots for pair in shot.arrows.items()]
        self.red = {arrow for arrow, tone in tones if tone == "dangling"}
        captions = [self._caption(index) for index in range(len(graph.shots))]
        self.caption = max(len(line) for lines in captions for line in lines)
        self.captions = max(map(len, captions))

    def draw(self, index: int) -> str:
        """Return one graph."""
        shot = self.heap.shots[index]
        graph = graphviz.Digraph(f"shot {index}")
        bad = shot.row is not None and shot.row.bad
        graph.attr(
            rankdir="LR", bgcolor=self.paper, labelloc="t", labeljust="l", nodesep="0.3",
            ranksep="0.9", fontname="monospace", fontsize=str(TITLE), id=f"s{index}",
            label=_padded(self._caption(index), self.caption, self.captions),
            fontcolor=COLOURS["dangling"] if bad else "#1f2328",
            **{"class": "shot bad" if bad else "shot"},
        )  # fmt: skip
        graph.attr("node", fontname="monospace", fontsize=str(SIZE), fixedsize="true", shape="box")
        graph.attr("edge", fontname="monospace", fontsize=str(SIZE - 1), arrowsize="0.8")
        for name in self.heap.processes:
            self._process(graph, index, name)
        for name in self.heap.objects:
            self._object(graph, index, name)
        for number, arrow in enumerate(self.heap.arrows):
            self._arrow(graph, index, number, arrow)
        return str(graph.source)

    def _lines(self, name: str, shot: Shot) -> tuple[str, ...]:
        """Return what is written in an object's box; pointers are arrows already."""
        look = shot.looks.get(name)
        if look is None:
            return (plain(name),)
        facts = [f.text for f in look.facts if (name, f.field) not in self.pointers]
        words = {"dying": ["dying"], "freed": ["FREED"]}.get(look.state, [])
        return (plain(name), *words, *(_elided(plain(fact)) for fact in facts))

    def _caption(self, index: int) -> list[str]:
        """Return the row in as many lines as it needs, and `...` where these are too many."""
        shot = self.heap.shots[index]
        again = _again(self.story, self.heap, index)
        if shot.row is None:
            return ["at first", *again]
        number = "" if shot.row.number is None else f"{shot.row.number} "
        text = shot.row.text or shot.row.note
        mark = f"   *** {self.story.trace.violation.kind}" if shot.row.bad else ""
        told = plain(f"{number}{shot.row.process}: {text}")
        lines = wrapped(told, WIDEST - len(mark), hang="    ") or [""]
        lines = lines if len(lines) <= LINES else [*lines[: LINES - 1], f"{lines[LINES - 1]} ..."]
        return [*lines[:-1], lines[-1] + mark, *again]

    def _process(self, graph: graphviz.Digraph, index: int, name: str) -> None:
        """A process that holds pointers is a note."""
        shown = any(arrow.owner == name for arrow in self.heap.shots[index].arrows)
        ink = "#59636e" if shown else "transparent"
        graph.node(
            self.ids[name], _escaped(plain(name)), shape="note", color=ink, fontcolor="#1f2328",
            style="" if shown else "invis", width=_inches(len(name)), height="0.4",
            id=f"s{index}{self.ids[name]}", **{"class": "process"},
        )  # fmt: skip

    def _object(self, graph: graphviz.Digraph, index: int, name: str) -> None:
        """An object is a box that says its state."""
        shot = self.heap.shots[index]
        look = shot.looks.get(name)
        state = look.state if look else "live"
        bad = name == self._culprit(shot)
        sort = f"object {state} bad" if bad else f"object {state}"
        graph.node(
            self.ids[name], "\\n".join(_escaped(line) for line in self._lines(name, shot)),
            style=STYLES[state] if look else "invis", fillcolor=FILLS[state],
            color=COLOURS["dangling"] if bad else EDGES[state], penwidth="2.6" if bad else "1",
            fontcolor="#1f2328", width=_inches(self.chars[name]),
            height=f"{(self.lines[name] * (SIZE + 3) + 12) / 72:.2f}",
            id=f"s{index}{self.ids[name]}", **{"class": sort},
        )  # fmt: skip

    def _culprit(self, shot: Shot) -> str | None:
        """Return the object that is red at the end, where no pointer is."""
        thing = self.story.trace.violation.thing
        at_end = shot is self.heap.shots[-1] and "dangling" not in shot.arrows.values()
        return self.story.family.root(thing) if thing and at_end else None

    def _arrow(self, graph: graphviz.Digraph, index: int, number: int, arrow: Arrow) -> None:
        """A pointer is an edge; the dangling one says so, and has room to say so from the start."""
        tone = self.heap.shots[index].arrows.get(arrow)
        label = _escaped(arrow.field)
        if arrow in self.red:
            label += "\\n" + (DANGLING if tone == "dangling" else BLANK * len(DANGLING))
        ink = COLOURS[tone or "plain"]
        wide = {"dangling": "2.6", "changed": "2"}.get(tone or "", "1")
        graph.edge(
            self.ids[arrow.owner], self.ids[arrow.target], label=label, color=ink, fontcolor=ink,
            penwidth=wide, style={None: "invis", "stale": "dashed"}.get(tone, "solid"),
            id=f"s{index}e{number}", **{"class": tone or "absent"},
        )  # fmt: skip


def _again(story: Story, graph: Heap, index: int) -> list[str]:
    """Return what a run that never ends has to say below the caption of a shot."""
    at, last = story.trace.loop_at, len(graph.shots) - 1
    if at is None:
        return []
    if at >= len(story.trace.events):
        return ["-- here it rests, for ever"] * (index == last)
    begins = max(i for i, shot in enumerate(graph.shots) if _ends(shot) < at)
    if begins == last:
        return ["-- from here on, again and again; nothing changes here"] * (index == last)
    if index == begins:
        return ["-- from here on, again and again:"]
    row = graph.shots[begins].row
    then = f"as after step {row.number}" if row and row.number is not None else "as at first"
    return [f"-- {then}; and so on, for ever"] * (index == last)


def _ends(shot: Shot) -> int:
    """Return the index of the last event that a shot shows, -1 for the state at first."""
    return shot.row.events[-1] if shot.row and shot.row.events else -1


def _elided(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 2] + ".."


def _inches(characters: int) -> str:
    return f"{(characters * SIZE * EM + 18) / 72:.2f}"


def _padded(lines: list[str], most: int, count: int) -> str:
    """Return a caption that takes the same room in every graph."""
    told = [*lines, *[""] * (count - len(lines))]
    blanks = [line.replace(" ", "\0") if line[:1] == " " else line for line in told]
    return "".join(
        _escaped(line).replace("\0", BLANK) + BLANK * (most - len(line)) + "\\l" for line in blanks
    )


def _escaped(text: str) -> str:
    """Keep DOT from reading escapes or entities into a text."""
    return text.replace("\\", "\\\\").replace("&", "&amp;")
