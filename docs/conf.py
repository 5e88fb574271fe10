"""Sphinx: `./run sphinx-build -W -n docs docs/_build`."""

project = "kmcheck"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme_options = {"page_width": "1100px"}
myst_heading_anchors = 3
