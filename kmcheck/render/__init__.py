"""Pictures of a trace: one file each. Adding one is adding a file with a `RENDERER`."""
