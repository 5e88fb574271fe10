"""From a spec's text to a program. Knows nothing about search."""

from kmcheck.frontend.compile import compile_and_doubt, compile_spec
from kmcheck.frontend.source import read

__all__ = ["compile_and_doubt", "compile_spec", "read"]
