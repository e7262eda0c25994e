"""Hand-made recordings, and what is learned of them."""

from operator import attrgetter

from tests.events import MS, S, make_exec, make_exit, make_fork
from whatran.baseline.check import Checker
from whatran.baseline.learn import Learner
from whatran.baseline.model import Baseline, Settings
from whatran.baseline.observe import Observer

START = 10 * S
BASE = 5000


def told(*commands, root=("make",), base=BASE, cwd="/src", **given):
    """The events of a recording: `root` is process `base` and runs these, each as a process with the next pid.

    A command is a tuple of arguments, or a pair of these and of fields of its exec, where `of` says which command
    before it made it, from 0.
    """
    events = [make_exec(root, pid=base, start=START, at=START + 1, cwd=cwd, **given)]
    end = START + (len(commands) + 1) * MS
    for number, command in enumerate(commands, 1):
        argv, fields = command if isinstance(command[-1], dict) else (command, {})
        fields = {"argv": argv, "cwd": cwd} | fields
        of, argv = fields.pop("of", None), fields.pop("argv")
        pid, begun = base + number, START + number * MS
        creator = (base, START) if of is None else (base + of + 1, START + (of + 1) * MS)
        events.append(make_fork(pid, child_start=begun, pid=creator[0], start=creator[1], at=begun))
        events.append(make_exec(argv, pid=pid, start=begun, at=begun + 1, **fields))
        events.append(make_exit(pid=pid, start=begun, at=end))
    events.append(make_exit(pid=base, start=START, at=end + 1))
    return sorted(events, key=attrgetter("timestamp_boot"))


def observed(events, settings=Settings(), *, command=True, **given):  # noqa: B008  # is frozen
    """Pairs of execs and observations."""
    observer = Observer(settings, command=command, **given)
    return [(event, seen) for event in events if (seen := observer(event))]


def learner_of(recordings, base=Baseline(), **given):  # noqa: B008  # is frozen
    """A Learner that has taken these recordings, each by itself."""
    learner = Learner(base)
    for events in recordings:
        for _, seen in observed(events, base.settings, **given):
            learner(seen)
    return learner


def learned(*recordings, settings=Settings(), **given):  # noqa: B008  # is frozen
    """The baseline of these recordings."""
    return learner_of(recordings, Baseline(settings), **given).baseline()


def new(baseline, events, **given):
    """What is told of these events."""
    checker = Checker(baseline)
    told = [checker(event, seen) for event, seen in observed(events, baseline.settings, **given)]
    return [each for each in told if each]
