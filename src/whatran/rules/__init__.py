"""Rules: Sigma's, and our own in the same format, read, compiled and held against each exec."""
