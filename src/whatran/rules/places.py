"""Where rules lie that nobody has to name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from whatran.errors import UsageError
from whatran.rules.load import mode_at, unreadable

if TYPE_CHECKING:
    from whatran.rules.model import Problem

BUILTIN = Path(__file__).parent / "builtin"
"""Those that come with whatran."""


def imported() -> Path:
    """The directory of those that were imported: of all users for root, and else of the user."""
    if os.geteuid() == 0:
        return Path("/etc/whatran/rules")
    configuration = os.environ.get("XDG_CONFIG_HOME", "")
    # One that is relative is to be ignored, says the XDG base directory specification.
    if configuration.startswith("/"):
        return Path(configuration, "whatran/rules")
    try:
        return Path.home() / ".config/whatran/rules"
    except RuntimeError:
        raise UsageError("imported rules are in the user's home, and there is none: set HOME") from None


def usual() -> list[Path]:
    """All that there are, and that may be looked at."""
    return [path for path in (BUILTIN, imported()) if hidden(path) is None and stat.S_ISDIR(mode_at(path) or 0)]


def hidden(path: Path) -> Problem | None:
    """That nobody lets us see whether anything is there, as where HOME is somebody else's."""
    try:
        mode_at(path)
    except UsageError as error:
        if isinstance(error.__cause__, OSError):
            return unreadable(error.__cause__)
        raise
    return None
