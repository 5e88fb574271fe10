"""A sequence diagram in Mermaid's language: for README files, issues and wikis that draw it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.diagram.script import Hold, Line, Message, Note, Party, Round, script, told
from kmcheck.explain import explain
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Trace

ARROWS = {"read": "-->>", "write": "->>", "free": "-x", "bad": "-x", "grace": "-)", "plain": "->>"}
RED = "rgba(255, 80, 80, 0.25)"
SPECIAL = re.compile(r"[#;<>&\"'\\%$`{}]|\b[eE](?=[nN][dD]\b)|(?<=wrap):")
"""What Mermaid or the browser reads otherwise. `end` is the keyword that it takes for one even in
the middle of a text, `wrap:` at its beginning a directive."""


@dataclass(frozen=True, slots=True)
class Mermaid:
    """One line a step, with the step's number."""

    name: str = "mermaid"
    suffix: str = ".mmd"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the diagram down."""
        drawn = script(explain(trace, full=options.full))
        created = {party.key: party for party in drawn.parties if not party.early}
        lines = ["sequenceDiagram", f"    %% {drawn.about}", f"    title {_text(drawn.title)}"]
        lines += [f"    {_participant(party)}" for party in drawn.parties if party.early]
        for line in drawn.lines:
            lines += [f"    {written}" for written in _line(line, created)]
        return "\n".join(lines) + "\n"


def _participant(party: Party) -> str:
    name = "<br/>".join(_text(text) for text in (party.name, party.says) if text)
    return f"participant {party.key} as {name}"


def _line(line: Line, created: dict[str, Party]) -> Iterator[str]:
    match line:
        case Message():
            step = list(_message(line, created))
            yield from _banded([*step, _note(line.mark)]) if line.mark else step
        case Note():
            yield from _banded([_note(line)]) if line.tone == "bad" else [_note(line)]
        case Hold(who, begins):
            yield f"{'activate' if begins else 'deactivate'} {who}"
        case Round(begins):
            yield "loop again and again, for ever" if begins else "end"


def _note(note: Note) -> str:
    return f"Note over {','.join(note.over)}: {_joined(note)}"


def _message(line: Message, created: dict[str, Party]) -> Iterator[str]:
    if line.fate == "create":
        yield f"create {_participant(created[line.target])}"
    if line.fate == "destroy":
        yield f"destroy {line.target}"
    yield f"{line.source}{ARROWS[line.tone]}{line.target}: {_joined(line)}"


def _joined(line: Message | Note) -> str:
    return "<br/>".join(map(_text, told(line)))


def _banded(lines: list[str]) -> list[str]:
    """Put lines into a band that is red, and grey in grey print."""
    return [f"rect {RED}", *(f"    {line}" for line in lines), "end"]


def _text(text: str) -> str:
    """Spell what Mermaid would take for its own as the number of the character."""
    return SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)


RENDERER: Renderer = Mermaid()
