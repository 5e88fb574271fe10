"""Documents from templates, pages that are one file and need no network among them."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def templates(room: str, *, escaped: bool = True) -> Environment:
    """Return the templates of a room, and the head that all pages have; `escaped` is for markup."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(room), PackageLoader(__name__)]), autoescape=escaped,  # noqa: S701 - Markdown is no HTML
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def page(
    pages: Environment, name: str, style: str, script: str | None = None, **filled: object
) -> str:
    """Return a page in ASCII. Nothing but this style and this script of the room may come in."""
    inline = {"style": pages.get_template(style).render()}
    if script is not None:
        inline["script"] = pages.get_template(script).render()
    own = "; ".join(f"{what}-src {_hash(text)}" for what, text in inline.items())
    policy = f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; {own}"
    whole = pages.get_template(name).render(**filled, **inline, policy=policy)
    return whole.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline style or script."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
