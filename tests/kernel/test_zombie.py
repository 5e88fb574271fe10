"""A cgroup that is offline is freed some time: a reference that is kept makes a zombie of it."""

import pytest

from tests.kernel.boxes import found
from tests.kernel.test_css import BEGIN, FIELDS, FREE, OFFLINE, RMDIR

ASKED = "# no_zombie"
"""A spec asks for a property by importing it; so does the box that names it."""

DROPS, KEEPS = "pause()\ncss_put(box.css)", "pause()"
GOES_ROUND = "while True:\n    css_get(box.css)\n    css_put(box.css)"


def held(user: str, asked: str = ASKED) -> str:
    """Verify a user who begins with a reference, beside the rmdir."""
    begin = f"{BEGIN}\ncss_get(box.css)"
    more = f"{FREE}\n{OFFLINE}\n{asked}"
    return found(user, RMDIR, fields=FIELDS, begin=begin, more=more)


@pytest.mark.parametrize(
    ("user", "verdict"),
    [
        (DROPS, "holds"),
        (KEEPS, "no_zombie"),
        (GOES_ROUND, "livelock"),
        ("css_put(box.css)\ncss_put(box.css)\ncss_put(box.css)", "ref-underflow"),
    ],
)
def test_what_keeps_a_css_that_is_offline(user: str, verdict: str) -> None:
    assert held(user) == verdict


def test_who_does_not_ask_is_not_told() -> None:
    assert held(KEEPS, "") == "holds"
