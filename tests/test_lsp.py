"""The language server, spoken to as an editor does: messages over its stdin and stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from kmcheck.cli import run
from kmcheck.editor.check import check
from kmcheck.editor.names import definition, word_at
from kmcheck.frontend import read
from kmcheck.linting import lint

ROOT = Path(__file__).resolve().parent.parent
REJECTED = ROOT / "tests" / "rejected"
DOUBTFUL = ROOT / "tests" / "doubtful"

SPEC = """\
from kmcheck.kernel.rcu import rcu_read_lock, rcu_read_unlock
from kmcheck.lang import Object, process, setup, start


class Page(Object):
    \"\"\"A page of slab.\"\"\"

    dirty: bool


page = Page()


@process
def reader() -> None:
    \"\"\"Reads it.\"\"\"
    rcu_read_lock()
    if page.dirty:
        rcu_read_unlock()


@setup
def world() -> None:
    start(reader)
"""

FINE = """\
from kmcheck.lang import Object, process, setup, start


class Page(Object):
    dirty: bool


page = Page()


@process
def reader() -> None:
    page.dirty = True


@setup
def world() -> None:
    start(reader)
"""

needs_pygls = pytest.mark.skipif(find_spec("pygls") is None, reason="pygls is not installed")


@dataclass
class Editor:
    """A client that knows of no library."""

    server: subprocess.Popen[bytes]
    number: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def _send(self, message: dict[str, Any]) -> None:
        assert self.server.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.server.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        length = 0
        while (line := self.server.stdout.readline().strip()) or not length:
            assert line, "the server is gone"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        found: dict[str, Any] = json.loads(self.server.stdout.read(length))
        return found

    def notify(self, method: str, **params: Any) -> None:  # noqa: ANN401 - JSON
        self._send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        while (message := self.receive()).get("id") != self.number:
            self.told.append(message)
        assert "error" not in message, message
        return message["result"]

    def diagnostics(self, uri: str) -> dict[str, Any]:
        """Return the next diagnostics that are published of a file."""
        while True:
            message = self.told.pop(0) if self.told else self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                params: dict[str, Any] = message["params"]
                if params["uri"] == uri:
                    return params
            assert message.get("method") != "window/showMessage", message

    def open(self, uri: str, text: str) -> dict[str, Any]:
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)
        return self.diagnostics(uri)

    def change(self, uri: str, version: int, text: str) -> None:
        document = {"uri": uri, "version": version}
        self.notify(
            "textDocument/didChange", textDocument=document, contentChanges=[{"text": text}]
        )


@contextmanager
def session(folder: Path, encoding: str = "utf-16") -> Iterator[Editor]:
    command = [sys.executable, "-m", "kmcheck", "lsp"]
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as server:
        editor = Editor(server)
        general = {"positionEncodings": [encoding]}
        answer = editor.ask(
            "initialize", processId=None, rootUri=None, capabilities={"general": general}
        )
        assert answer["serverInfo"]["name"] == "kmcheck"
        editor.notify("initialized")
        yield editor
        editor.ask("shutdown")
        editor.notify("exit")
        _, errors = server.communicate(timeout=20)
        assert (server.returncode, errors) == (0, b"")


@pytest.fixture(name="editor")
def an_editor(tmp_path: Path) -> Iterator[Editor]:
    with session(tmp_path) as editor:
        yield editor


# --- over stdio ---------------------------------------------------------------------------------


@needs_pygls
def test_a_spec_is_looked_at_while_it_is_written(editor: Editor, tmp_path: Path) -> None:
    uri = (tmp_path / "new.py").as_uri()
    assert editor.open(uri, FINE)["diagnostics"] == []
    for version, broken in enumerate(("page.dirty = ", "page.dirty = = 1", "page.dirt = True"), 2):
        editor.change(uri, version, FINE.replace("page.dirty = True", broken))
    found = editor.diagnostics(uri)  # of the last one: nobody asks of what is gone already
    assert found["version"] == 4
    (only,) = found["diagnostics"]
    assert (only["code"], only["severity"], only["source"]) == ("K012", 1, "kmcheck")
    assert only["range"]["start"] == {"line": 12, "character": 9}
    assert "did you mean `dirty`?" in only["message"]
    editor.change(uri, 5, FINE)
    assert editor.diagnostics(uri)["diagnostics"] == []


@needs_pygls
def test_a_file_is_looked_at_again_when_what_it_imports_is_saved(
    editor: Editor, tmp_path: Path
) -> None:
    shared, spec = tmp_path / "shared.py", tmp_path / "spec.py"
    shared.write_text("from kmcheck.lang import Object\n\n\nclass Page(Object):\n    dirt: bool\n")
    begin = FINE.index("class")
    text = FINE[:begin].replace("Object, ", "") + FINE[begin:].replace(
        "class Page(Object):\n    dirty: bool\n", ""
    )
    text = text.replace("from kmcheck", "from shared import Page\nfrom kmcheck", 1)
    codes = [d["code"] for d in editor.open(spec.as_uri(), text)["diagnostics"]]
    assert codes == ["K012"]
    shared.write_text(shared.read_text().replace("dirt", "dirty"))
    editor.notify("textDocument/didSave", textDocument={"uri": shared.as_uri()})
    assert editor.diagnostics(spec.as_uri())["diagnostics"] == []
    shared.write_text(shared.read_text().replace("bool", "boo"))
    editor.notify("textDocument/didSave", textDocument={"uri": shared.as_uri()})
    wrong = editor.diagnostics(spec.as_uri())["diagnostics"][0]
    assert wrong["range"]["start"]["line"] == 0  # at the import
    there = wrong["relatedInformation"][0]["location"]
    assert (there["uri"], there["range"]["start"]["line"]) == (shared.as_uri(), 4)


@needs_pygls
def test_a_second_place_can_be_gone_to_and_a_closed_file_has_nothing(
    editor: Editor, tmp_path: Path
) -> None:
    uri = (tmp_path / "twice.py").as_uri()
    twice = FINE.replace("page = Page()\n", "page = Page()\npage = Page()\n")
    (wrong,) = editor.open(uri, twice)["diagnostics"]
    related = wrong["relatedInformation"][0]
    assert (related["message"], related["location"]["uri"]) == ("the first one", uri)
    assert related["location"]["range"]["start"]["line"] == 7
    editor.notify("textDocument/didClose", textDocument={"uri": uri})
    assert editor.diagnostics(uri)["diagnostics"] == []


@needs_pygls
@pytest.mark.parametrize(("encoding", "column"), [("utf-16", 22), ("utf-8", 24), ("utf-32", 21)])
def test_columns_are_counted_as_the_editor_counts(
    tmp_path: Path, encoding: str, column: int
) -> None:
    text = FINE.replace("page.dirty = True", 'pause("\U0001f600"); page.dirt = 1')
    text = text.replace("Object, ", "Object, pause, ")
    with session(tmp_path, encoding) as editor:
        found = editor.open((tmp_path / "wide.py").as_uri(), text)["diagnostics"]
    starts = {d["range"]["start"]["character"] for d in found}
    assert starts == {column}


@needs_pygls
def test_what_a_name_is_and_where_it_is_defined(editor: Editor, tmp_path: Path) -> None:
    uri = (tmp_path / "spec.py").as_uri()
    editor.open(uri, SPEC)
    at = {"textDocument": {"uri": uri}, "position": {"line": 16, "character": 8}}
    hover = editor.ask("textDocument/hover", **at)["contents"]
    assert hover["kind"] == "markdown"
    assert "def rcu_read_lock() -> None" in hover["value"]
    assert "`kmcheck.kernel.rcu`" in hover["value"]
    defined = editor.ask("textDocument/definition", **at)
    assert defined["uri"] == (ROOT / "kmcheck" / "kernel" / "rcu.py").as_uri()
    at["position"] = {"line": 10, "character": 9}
    assert "A page of slab." in editor.ask("textDocument/hover", **at)["contents"]["value"]
    here = editor.ask("textDocument/definition", **at)
    assert (here["uri"], here["range"]["start"]) == (uri, {"line": 4, "character": 6})
    for nowhere in ({"line": 2, "character": 0}, {"line": 999, "character": 9}):
        at["position"] = nowhere
        assert editor.ask("textDocument/hover", **at) is None


@needs_pygls
def test_a_name_that_is_nearly_right_can_be_mended(editor: Editor, tmp_path: Path) -> None:
    uri = (tmp_path / "spec.py").as_uri()
    broken = FINE.replace("page.dirty = True", "page.dirt = True").replace("bool", "Undefined")
    found = editor.open(uri, broken)["diagnostics"]
    told = {"diagnostics": found}
    document = {"uri": uri}
    actions = editor.ask(
        "textDocument/codeAction", textDocument=document, range=found[0]["range"], context=told
    )
    ((edit,),) = [action["edit"]["changes"][uri] for action in actions]
    start, end = edit["range"]["start"], edit["range"]["end"]
    line = broken.split("\n")[start["line"]]
    mended = line[: start["character"]] + edit["newText"] + line[end["character"] :]
    assert mended == "    page.dirty = True"


@needs_pygls
def test_other_python_and_texts_without_a_file_are_let_be(editor: Editor) -> None:
    assert editor.open("untitled:Untitled-1", FINE)["diagnostics"] == []
    assert editor.open("file:///nowhere/script.py", "import os\n")["diagnostics"] == []


@needs_pygls
def test_an_editor_that_sends_rubbish_or_goes_is_no_reason_to_break(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kmcheck", "lsp"]
    rubbish = b"Content-Length: 5\r\n\r\n{junk" + b"Content-Length: 2\r\n\r\n[]"
    ended = subprocess.run(
        command,
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        input=rubbish,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (1, b"")


# --- without pygls ------------------------------------------------------------------------------


def test_without_pygls_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "kmcheck.editor.server", None)
    assert run(["lsp"]) == 2
    told = capsys.readouterr().err
    assert "needs pygls" in told
    assert "pip install 'kmcheck[lsp]'" in told


@pytest.mark.parametrize("path", [*sorted(REJECTED.glob("[a-c]*.py")), *DOUBTFUL.glob("*.py")])
def test_an_editor_is_told_what_lint_says(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    text = path.read_text("utf-8", errors="replace")
    shown = check(text, path.name)
    assert [f.diagnostic for f in shown] == list(lint(read(path.name)))


def test_no_text_is_too_broken() -> None:
    for end in range(0, len(SPEC), 7):
        for text in (SPEC[:end], SPEC[end:], SPEC[:end] + "\0(\u2028\r" + SPEC[end:]):
            check(text, "spec.py")
            for name in ("Page", "rcu_read_lock", "page"):
                definition(text, Path("spec.py"), name)


def test_a_bug_of_ours_is_shown_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(source: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr("kmcheck.editor.check.lint", breaks)
    (found,) = check(SPEC, "spec.py")
    assert "this is a bug in kmcheck" in found.message


def test_a_text_that_is_no_spec_by_its_size_is_told_so() -> None:
    (found,) = check(SPEC + "#" * 300_000, "spec.py")
    assert "larger than" in found.message


@pytest.mark.parametrize(
    ("column", "word"), [(0, "memcg"), (3, "memcg"), (5, "memcg"), (6, "kmem"), (12, "")]
)
def test_the_word_under_the_cursor(column: int, word: str) -> None:
    assert word_at("memcg.kmem =  1", column) == word


def test_a_word_of_the_language_has_its_text() -> None:
    found = definition(
        "from kmcheck.lang import (\n    choose as choose,\n", Path("x.py"), "choose"
    )
    assert found is not None
    assert found.module == "kmcheck.lang"
    assert found.doc
