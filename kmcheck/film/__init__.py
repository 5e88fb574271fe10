"""The heap step by step: graphs in DOT, and what `dot` makes of them."""

from kmcheck.film.frames import MARGIN, Frame, frames, is_installed, picture
from kmcheck.film.graphs import EM, TITLE, film

__all__ = ["EM", "MARGIN", "TITLE", "Frame", "film", "frames", "is_installed", "picture"]
