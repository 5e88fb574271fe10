"""Lets `python -m kmcheck` do what `kmcheck` does."""

from kmcheck.cli import main

if __name__ == "__main__":
    main()
