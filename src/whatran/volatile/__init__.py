"""What changes from run to run of the same thing, as it looks in texts; and texts word by word. Pure."""
