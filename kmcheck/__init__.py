"""kmcheck: a model checker for the teardown and reparenting of Linux kernel objects."""

__version__ = "0.1.0"
