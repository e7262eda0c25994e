"""``python -m whatran`` is ``whatran``."""

from __future__ import annotations

import sys

from _whatran import main

sys.exit(main())
