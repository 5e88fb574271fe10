"""Write the pages that are generated, and the outputs and tables that stand in the others.

    ./run python -m docs.generate            write what has changed, and say what that was
    ./run python -m docs.generate --check    only say what would change; exit 1 if anything does

The tests hold every page to this.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from docs import bugs, errors, manual, performance, primitives, specs
from docs.quoted import ROOT, refreshed, workspace

GENERATED: dict[str, Callable[[], str]] = {
    "docs/bugs.md": bugs.page,
    "docs/errors.md": errors.page,
    "docs/primitives.md": primitives.page,
    "docs/specs.md": specs.page,
    **{name: partial(manual.page, verb) for name, verb in manual.pages().items()},
}


def pages() -> list[str]:
    """Return all pages: README.md, and those of docs/."""
    return ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def current(name: str) -> str:
    """Return what a page is to say now."""
    if name in GENERATED:
        return GENERATED[name]()
    with TemporaryDirectory() as folder:
        workspace(Path(folder))
        return refreshed(performance.filled((ROOT / name).read_text("utf-8")), Path(folder))


def main(arguments: list[str]) -> int:
    """Write, or with --check compare; return the exit code."""
    changed = []
    for name in dict.fromkeys([*pages(), *GENERATED]):
        path, text = ROOT / name, current(name)
        if not path.exists() or path.read_text("utf-8") != text:
            changed.append(name)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for name in changed:
        print(f"{name} {'is out of date' if '--check' in arguments else 'is written'}")
    return 1 if changed and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
