"""``python -m whatran`` is ``whatran``."""

from __future__ import annotations

import sys

from whatran.cli import main

sys.exit(main())
