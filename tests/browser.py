"""A page in headless Chromium: what it looks like to a script, and what it complains about."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
DRIVER = """
(() => {{
  const all = (selector) => [...document.querySelectorAll(selector)];
  const press = (key, at = document) =>
    at.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }}));
  const told = document.createElement("pre");
  const refused = [];
  document.addEventListener("securitypolicyviolation", (e) => refused.push(e.violatedDirective));
  const answer = (() => {{ {body} }})();
  setTimeout(() => {{
    told.id = "answer";
    told.textContent = JSON.stringify({{ answer, refused }});
    document.body.append(told);
  }}, 50);
}})();
"""


def ask(page: str, body: str, folder: Path, *, width: int = 1400, address: str = "") -> Any:  # noqa: ANN401 - JSON may be anything
    """Return what the body of a function returns that runs in the page, with its policy in force.

    Fails if the page writes to the console, or its policy refuses something.
    """
    script = DRIVER.format(body=body)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    page = page.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    page = page.replace("</body>", f"<script>{script}</script></body>")
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    window = f"--window-size={width},900"
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), *FLAGS, window, profile, "--enable-logging=stderr",
               "--virtual-time-budget=3000", "--dump-dom", f"{path.as_uri()}{address}"]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in ended.stderr.splitlines() if ":CONSOLE" in line] == []
    found = re.search(r'<pre id="answer">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert found, ended.stderr
    told = json.loads(unescape(found[1]))
    assert told["refused"] == []
    return told["answer"]
