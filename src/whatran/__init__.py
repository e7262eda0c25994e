"""What ran on this Linux machine: every process execution, complete and in order.

>>> for event in whatran.watch(["make"]):
...     print(event)
"""

from whatran._version import __version__
from whatran.cost import Cost, ProgramCost
from whatran.errors import CommandError, DecodeError, OutputError, RecordingError, SourceError, UsageError, WhatranError
from whatran.event import Alert, Event, Exec, ExecFailed, Exit, Fork, Gap, TaskEvent
from whatran.replay import Replay, replay
from whatran.stats import Counts, Stats
from whatran.watch import Completed, Watch, run, watch

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
