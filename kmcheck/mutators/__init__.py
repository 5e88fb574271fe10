"""Mutators, one file each: ways to take something away from a spec that may carry load."""
