"""What is read from others, given any bytes: one target a file, each a check() of bytes that must raise nothing.

tests/fuzz has Hypothesis and the inputs that are kept try them; `make fuzz` has atheris, guided by coverage, do so.
"""

TARGETS = ("frames", "recording", "records", "proc", "filters", "rules")
