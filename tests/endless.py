"""Small specs with runs that never end, and those with something that must not be reduced away."""

from tests.language import program


def endless(fields: str, *bodies: str, daemon: str = "", more: str = "", begin: str = "") -> str:
    """Return a spec as `program` does, with a daemon beside its processes if one is given."""
    beside = ""
    if daemon:
        block = "\n".join(f"        {line}" for line in daemon.splitlines())
        beside = f"@process(daemon=True)\ndef tick() -> None:\n    while True:\n{block}\n\n"
        begin += "\nstart(tick)"
    text = program(fields, *bodies, begin=begin)
    return text.replace("g = G()\n", f"g = G()\n{beside}{more}\n")


FLAGS = "flag: bool\nother: bool"
SPIN = "while not g.flag:\n    pass"
WAIT = "wait_until(g.flag)"
BLINK = "g.flag = True\ng.flag = False"
NEVER = "@eventually\ndef comes() -> bool:\n    return g.flag\n"
AGAIN = "@always_eventually\ndef comes() -> bool:\n    return g.flag\n"
PRESSURE = "@action{}\ndef pressure() -> None:\n    wait_until(not g.flag)\n    g.flag = True\n"

TOGGLES = endless(
    "flag: bool\nstat: bool",
    "while not g.flag:\n    g.stat = not g.stat",
)
"""Nobody reads a field that comes back after two rounds."""

FORGETS = endless(
    "flag: bool\nstat: bool",
    "x = False\nwhile not g.flag:\n    x = choose(False, True)\n    assert x or not x\n    pause()",
    daemon="g.stat = True\ng.stat = False",
)
"""Nobody reads what a variable holds from one round to the next."""

LOCAL = endless(
    "flag: bool\na: bool\nb: bool",
    "while not g.flag:\n    x = 1\n    pause()\n    x = 2\n    g.a = x == 2",
    "wait_until(g.a)",
)
"""Most steps of a round are noticed by nobody."""

SEEN_ONCE = endless(
    "flag: bool\nother: bool",
    daemon="g.flag = True\ng.flag = False",
    more=AGAIN,
)
"""A property sees what lies between two steps."""

TRIGGERED = endless(
    FLAGS,
    "g.other = True",
    daemon="pause()",
    more="def asked() -> bool:\n    return g.other\n\n"
    "@leads_to(asked)\ndef answered() -> bool:\n    return g.flag\n",
)
"""Only the trigger of a property reads a field."""

ROUNDS = {n: t for n, t in globals().items() if n.isupper() and "\n@setup" in str(t)}

GROWS = program(
    "flag: bool\ntotal: Counter\npage: Ref[Page]",
    "while not g.flag:\n    g.total.add(g.page.size)",
    begin="g.page = Page()",
).replace("class G", "class Page(Object):\n    size: Size\n\nclass G", 1)
"""Nobody reads a sum that grows in each round."""
