"""What an editor is told of a spec while it is written. Knows no protocol but in `server`."""
