"""A comment is in another encoding."""

# Grüße
