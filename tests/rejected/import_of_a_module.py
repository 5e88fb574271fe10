"""A module is imported, not names."""

import os
from kmcheck.lang import Object, process, setup, start


class Page(Object):
    mapped: bool


page = Page()


@process
def kworker() -> None:
    page.mapped = os.path


@setup
def one() -> None:
    start(kworker)
