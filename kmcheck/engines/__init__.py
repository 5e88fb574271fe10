"""Engines: one file, one way to decide. The folder's listing is the list of what there is."""
