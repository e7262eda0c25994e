"""What is known to run: learned from recordings, kept in a file that people read and edit, and checked against."""
