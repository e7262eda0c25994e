"""Bytes to events: pure, no I/O and no clock."""
