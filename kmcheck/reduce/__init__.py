"""Reductions, one file each: ways to explore less and miss nothing."""
