"""What differs between two recordings: executions without what changes from run to run, compared and told."""
