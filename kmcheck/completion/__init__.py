"""What a shell offers when somebody presses Tab. Nothing of it is loaded otherwise."""
