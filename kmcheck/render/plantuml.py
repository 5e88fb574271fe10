"""A sequence diagram in PlantUML's language: for documents that are drawn with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kmcheck.diagram.script import Hold, Line, Message, Note, Party, Round, script, told
from kmcheck.explain import explain
from kmcheck.protocols import Media, Renderer, RenderOptions
from kmcheck.trace import Trace

ARROWS = {
    "read": "-->",
    "write": "->",
    "free": "->",
    "bad": "-[#red]>x",
    "grace": "->>",
    "plain": "->",
}
COLOURS = {"bad": " #FFD6D6", "grace": " #FFF3C4"}
SPECIAL = re.compile(r"[<\\~%$&\"@]|([*/_\-\[{=.'])(?=\1)|^[*#=|!;:.+'>-]")
"""What begins markup, a macro or a link: some do only if doubled, or first."""


@dataclass(frozen=True, slots=True)
class PlantUML:
    """One line a step, with the step's number."""

    name: str = "plantuml"
    suffix: str = ".puml"
    media: Media = "text"

    def render(self, trace: Trace, options: RenderOptions) -> str:
        """Write the diagram down."""
        drawn = script(explain(trace, full=options.full))
        created = {party.key: party for party in drawn.parties if not party.early}
        lines = [
            "@startuml",
            f"' {_text(drawn.about)}",
            f"title {_text(drawn.title)}",
            "hide footbox",
        ]
        lines += [_participant(party) for party in drawn.parties if party.early]
        for line in drawn.lines:
            lines += _line(line, created)
        return "\n".join([*lines, "@enduml"]) + "\n"


def _participant(party: Party) -> str:
    said = "\\n".join(_text(text) for text in (party.name, party.says) if text)
    sort = "participant" if party.key.startswith("P") else "entity"
    return f'{sort} "{said}" as {party.key}'


def _line(line: Line, created: dict[str, Party]) -> Iterator[str]:
    match line:
        case Message():
            yield from _message(line, created)
        case Note():
            yield _note(line)
        case Hold(who, begins):
            yield f"activate {who} #DDDDDD" if begins else f"deactivate {who}"
        case Round(begins):
            yield "loop again and again, for ever" if begins else "end"


def _note(note: Note) -> str:
    colour = COLOURS.get(note.tone, "")
    return f"note over {', '.join(note.over)}{colour} : {_joined(note)}"


def _message(line: Message, created: dict[str, Party]) -> Iterator[str]:
    if line.fate == "create":
        yield _participant(created[line.target]).replace("entity", "create entity", 1)
    yield f"{line.source} {ARROWS[line.tone]} {line.target} : {_joined(line)}"
    if line.fate == "destroy":
        yield f"destroy {line.target}"
    if line.mark:
        yield _note(line.mark)


def _joined(line: Message | Note) -> str:
    return "\\n".join(map(_text, told(line)))


def _text(text: str) -> str:
    """Spell what PlantUML would take for its own as the number of the character."""
    return SPECIAL.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


RENDERER: Renderer = PlantUML()
