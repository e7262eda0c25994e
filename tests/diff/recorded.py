"""Hand-made recordings: a command, and what it ran one after another."""

from operator import attrgetter

from tests.events import MS, S, make_exec, make_exit, make_failed, make_fork
from whatran.diff.executions import gather
from whatran.process.lives import Lives

BASE = 5000
"""Where the pids of one recording begin, unless told otherwise; as of the first."""

START = 10 * S


def ran(*argv, status=0, **fields):
    """A command of a recording; `fields` are those of its exec, and `of` is which one before it made it, from 0."""
    return {"argv": argv, "status": status, **fields}


def recorded(*commands, root=("make",), base=BASE, start=START, cwd="/src", status=0):
    """The lives of a recording: `root` is process `base` and runs these, each as a process with the next pid.

    A command is a tuple of arguments, or what ran() gives. There `of` says which command made it, `failure` is a
    program that it cannot execute, `signal_code` is what ends it, and `until` when, in ms; without that it ends
    with all the others.
    """
    told = [make_exec(root, pid=base, start=start, at=start + 1, cwd=cwd)]
    keys = []
    end = start + (len(commands) + 1) * MS
    for number, command in enumerate(commands, 1):
        given = dict(command) if isinstance(command, dict) else ran(*command)
        of, failure, until, signal_code = (given.pop(name, None) for name in ("of", "failure", "until", "signal_code"))
        argv, exit_code = given.pop("argv"), given.pop("status")
        pid, begun = base + number, start + number * MS
        creator_pid, creator_start = (base, start) if of is None else keys[of]
        keys.append((pid, begun))
        told.append(make_fork(pid, child_start=begun, pid=creator_pid, start=creator_start))
        told.append(make_exec(argv, pid=pid, start=begun, at=begun + 1, **{"cwd": cwd} | given))
        if failure:
            told.append(make_failed(failure, pid=pid, start=begun, at=begun + 2))
        ended = end if until is None else start + until * MS
        told.append(make_exit(exit_code, pid=pid, start=begun, at=ended, signal_code=signal_code or 0))
    told.append(make_exit(status, pid=base, start=start, at=end))
    lives = Lives()
    found = [life for event in sorted(told, key=attrgetter("timestamp_boot")) for life in lives(event)]
    return [*found, *lives.finish()]


def executions(*commands, **given):
    """The executions of such a recording."""
    return gather(recorded(*commands, **given))
