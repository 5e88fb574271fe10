"""Remedies, one file each: what could be put into a spec, and may prevent a violation."""
