"""The other half of the ring."""

from imports_in_a_ring import kworker
from kmcheck.lang import Object


class Page(Object):
    mapped: bool
