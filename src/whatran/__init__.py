"""What ran on this Linux machine: every process execution, complete and in order.

>>> for event in whatran.watch(["make"]):
...     print(event)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from whatran._version import __version__

if TYPE_CHECKING:
    from whatran.cost import Cost, ProgramCost
    from whatran.errors import (
        CommandError,
        DecodeError,
        OutputError,
        RecordingError,
        SourceError,
        UsageError,
        WhatranError,
    )
    from whatran.event import Alert, Event, Exec, ExecFailed, Exit, Fork, Gap, TaskEvent
    from whatran.replaying import Replay, replay
    from whatran.stats import Counts, Stats
    from whatran.watching import Completed, Watch, run, watch

__all__ = [
    "Alert",
    "CommandError",
    "Completed",
    "Cost",
    "Counts",
    "DecodeError",
    "Event",
    "Exec",
    "ExecFailed",
    "Exit",
    "Fork",
    "Gap",
    "OutputError",
    "ProgramCost",
    "RecordingError",
    "Replay",
    "SourceError",
    "Stats",
    "TaskEvent",
    "UsageError",
    "Watch",
    "WhatranError",
    "__version__",
    "replay",
    "run",
    "watch",
]

_HOMES = {
    "whatran.cost": ("Cost", "ProgramCost"),
    "whatran.errors": (
        "CommandError",
        "DecodeError",
        "OutputError",
        "RecordingError",
        "SourceError",
        "UsageError",
        "WhatranError",
    ),
    "whatran.event": ("Alert", "Event", "Exec", "ExecFailed", "Exit", "Fork", "Gap", "TaskEvent"),
    "whatran.replaying": ("Replay", "replay"),
    "whatran.stats": ("Counts", "Stats"),
    "whatran.watching": ("Completed", "Watch", "run", "watch"),
}
"""Where each name is, but for those that begin with an underscore."""


def __getattr__(name: str) -> object:
    """Loads a name when it is first asked for: the command line, which is to be there at once, asks for few."""
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
