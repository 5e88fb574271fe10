"""Settings of all tests."""

from hypothesis import settings

# A run says of the code, not of its luck, whether it is right: the examples are the same each time.
# `pytest --hypothesis-profile=fresh` draws others.
settings.register_profile("stable", derandomize=True, deadline=None)
settings.register_profile("fresh", derandomize=False, deadline=None)
settings.load_profile("stable")
