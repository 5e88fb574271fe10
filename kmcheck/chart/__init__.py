"""A chart of how something grows: lines over a bound, on a logarithmic scale. An SVG of our own."""

from kmcheck.chart.draw import Chart, draw
from kmcheck.chart.series import Panel, Point, Series

__all__ = ["Chart", "Panel", "Point", "Series", "draw"]
