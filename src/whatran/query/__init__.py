"""Questions about events: SQL over tables of them, files for other tools, and which programs used most."""
