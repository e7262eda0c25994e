"""Where rules lie that nobody has to name."""

from __future__ import annotations

import os
from pathlib import Path

BUILTIN = Path(__file__).parent / "builtin"
"""Those that come with whatran."""


def imported() -> Path:
    """The directory of those that were imported: of all users for root, and else of the user."""
    if os.geteuid() == 0:
        return Path("/etc/whatran/rules")
    configuration = os.environ.get("XDG_CONFIG_HOME", "")
    # One that is relative is to be ignored, says the XDG base directory specification.
    base = Path(configuration) if configuration.startswith("/") else Path.home() / ".config"
    return base / "whatran/rules"


def usual() -> list[Path]:
    """All that there are."""
    return [path for path in (BUILTIN, imported()) if path.is_dir()]
