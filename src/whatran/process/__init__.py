"""Processes: who made whom, and who they belong to."""
