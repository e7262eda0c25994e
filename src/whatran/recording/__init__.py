"""The file: records in blocks, written one after another and found again whatever has happened to it since."""
