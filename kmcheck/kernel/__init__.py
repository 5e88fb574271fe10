"""Kernel primitives: one file each, written in the spec language. Adding one is adding a file."""
