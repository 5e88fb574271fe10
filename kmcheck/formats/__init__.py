"""Output formats: one file, one `--format`. The folder's listing is the list of what there is."""
