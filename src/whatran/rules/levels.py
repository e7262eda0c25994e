"""How grave what a rule finds is; a room of its own, as the command line asks for it before anything is read."""

LEVELS = ("informational", "low", "medium", "high", "critical")
"""In rising order."""
