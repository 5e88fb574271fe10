"""The shelf of other tools' languages: each file says a transition system in one of them."""
