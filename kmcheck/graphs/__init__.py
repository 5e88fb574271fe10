"""Ways to write a state graph down: one file each. Adding one is adding a file with a `FORM`."""
