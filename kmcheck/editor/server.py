"""The language server: diagnostics while a spec is written, what a name is, where it is defined."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from kmcheck import __version__
from kmcheck.diagnostics import Span
from kmcheck.editor.check import Found, check
from kmcheck.editor.names import Definition, definition, word_at

PATIENCE = 0.2
"""Seconds without a change after which a text is looked at."""

MEANT = re.compile(r"did you mean `(\w+)`\?")
"""What a hint says where a name is spelled nearly right."""

SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


class Server(LanguageServer):
    """Looks at one text at a time, in a thread, so that it answers meanwhile."""

    def __init__(self) -> None:
        super().__init__("kmcheck", __version__)
        self.looking = ThreadPoolExecutor(1)
        self.due: dict[str, asyncio.Task[None]] = {}
        self.ended = False
        """Whether the client has said that it is the end."""

    def look(self, uri: str, patience: float = 0.0) -> None:
        """Look at a text after a while; what was due for it is no longer."""
        waiting = self.due.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self.due[uri] = asyncio.get_running_loop().create_task(self._look(uri, patience))

    def forget(self, uri: str) -> None:
        """Take back what was said of a text that is closed."""
        waiting = self.due.pop(uri, None)
        if waiting is not None:
            waiting.cancel()
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    async def _look(self, uri: str, patience: float) -> None:
        await asyncio.sleep(patience)
        document = self.workspace.get_text_document(uri)
        text, version = document.source, document.version
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self.looking, check, text, _path(uri))
        told = [self._diagnostic(uri, each) for each in found]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, told, version))

    def _diagnostic(self, uri: str, found: Found) -> types.Diagnostic:
        also = [
            types.DiagnosticRelatedInformation(self._location(uri, span), text)
            for span, text in found.also
        ]
        code = found.diagnostic.code
        unused = code in ("W001", "W003", "W007")
        return types.Diagnostic(
            range=self._range(found.span),
            message=found.message,
            severity=SEVERITY[found.diagnostic.severity],
            code=code or None,
            source="kmcheck",
            tags=[types.DiagnosticTag.Unnecessary] if unused else None,
            related_information=also or None,
        )

    def _location(self, uri: str, span: Span) -> types.Location:
        other = span.source.path != _path(uri)
        target = from_fs_path(str(Path(span.source.path).resolve())) if other else uri
        return types.Location(target or uri, self._range(span))

    def _range(self, span: Span) -> types.Range:
        """Return a place in the units that the client counts in."""
        return types.Range(
            self._position(span, span.line, span.column),
            self._position(span, span.end_line, span.end_column),
        )

    def _position(self, span: Span, line: int, column: int) -> types.Position:
        before = span.source.line(line)[: column - 1]
        units = self.workspace.position_codec.client_num_units(before)
        return types.Position(line - 1, units)

    def mended(
        self, document: TextDocument, diagnostic: types.Diagnostic
    ) -> types.CodeAction | None:
        """Return the change that a hint proposes: one name for another."""
        meant = MEANT.search(diagnostic.message)
        if meant is None or diagnostic.source != "kmcheck":
            return None
        if not document.text_in_client_range(diagnostic.range).isidentifier():
            return None
        edit = types.TextEdit(diagnostic.range, meant[1])
        return types.CodeAction(
            f"Write `{meant[1]}`",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            is_preferred=True,
            edit=types.WorkspaceEdit({document.uri: [edit]}),
        )

    def named(self, document: TextDocument, at: types.Position) -> Definition | None:
        """Return the definition of the name at a position, if it is to be seen."""
        text = document.source.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        if at.line >= len(lines):
            return None
        codec, line = self.workspace.position_codec, lines[at.line]
        units = 0
        column = 0
        while column < len(line) and units < at.character:
            units += codec.client_num_units(line[column])
            column += 1
        name = word_at(line, column)
        return definition(text, Path(_path(document.uri)), name) if name else None


def _path(uri: str) -> str:
    """Return the file that an address names; a text that is none yet is called as it is there."""
    return to_fs_path(uri) or uri.rpartition(":")[2] or "untitled"


def serve() -> bool:
    """Serve a client over stdin and stdout; tell whether it has ended that in good order."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # the client is told what matters
    made = _server()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stdout:  # it is closed at the end
        made.start_io(stdout=stdout)
    return made.ended


def _server() -> Server:
    """Return a server with all that it answers to."""
    made = Server()

    @made.feature(types.SHUTDOWN)
    async def shutdown(params: None) -> None:
        del params
        made.ended = True

    @made.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        made.look(params.text_document.uri)

    @made.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        made.look(params.text_document.uri, PATIENCE)

    @made.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        del params
        for uri in made.workspace.text_documents:  # they may import what was saved
            made.look(uri)

    @made.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        made.forget(params.text_document.uri)

    @made.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        document = made.workspace.get_text_document(params.text_document.uri)
        found = made.named(document, params.position)
        if found is None:
            return None
        parts = [
            f"```python\n{found.signature}\n```",
            found.doc,
            found.module and f"`{found.module}`",
        ]
        text = "\n\n".join(part for part in parts if part)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))

    @made.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: types.DefinitionParams) -> types.Location | None:
        document = made.workspace.get_text_document(params.text_document.uri)
        found = made.named(document, params.position)
        if found is None:
            return None
        here = found.path == Path(_path(document.uri))
        uri = document.uri if here else from_fs_path(str(found.path.resolve()))
        start = types.Position(found.line, found.column)
        return types.Location(uri or document.uri, types.Range(start, start))

    options = types.CodeActionOptions([types.CodeActionKind.QuickFix])

    @made.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = made.workspace.get_text_document(params.text_document.uri)
        mended = [made.mended(document, each) for each in params.context.diagnostics]
        return [action for action in mended if action is not None]

    return made
