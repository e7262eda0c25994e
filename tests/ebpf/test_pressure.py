"""What is given up first where there is more than can be told, and that all of it is counted."""

import itertools
import os
import select
from collections import Counter

import pytest

import whatran
from whatran.record import record
from whatran.replaying import replay

from .shells import Shell
from .truth import execs, exits, forks

KINDS = {"execs": execs, "forks": forks, "exits": exits}
SHORT_ARGV = 4096
NS = 1_000_000_000


def in_gaps(events, reason):
    """How many records of each kind gaps say to be missing for a reason."""
    missing = Counter()
    for event in events:
        if isinstance(event, whatran.Gap) and event.reason == reason:
            missing[event.kind.removeprefix("sched_process_") + "s"] += event.count
    return missing


def test_order_of_sacrifice(programs, monkeypatch):
    """While nobody reads env goes first, then what is long of argv, then forks, exits, and execs at the last."""
    monkeypatch.setenv("LARGE", "x" * 3000)
    command = [str(programs / "storm"), "1", "300", str(programs / "true"), "y" * 5000]
    with whatran.watch(command, env=True, failed="none", ring_bytes=1 << 18) as watched:
        os.waitid(os.P_PID, watched.pid, os.WEXITED | os.WNOWAIT)
        events = list(watched)
        stats = watched.stats

    told = {name: kind(events) for name, kind in KINDS.items()}
    given_up = [(set(each.truncated), len(list(same))) for each, same in grouped(told["execs"], by_truncated)]
    assert [set(), {"env"}, {"env", "argv"}] == [what for what, _ in given_up]
    assert stats.execs.cut == sum(count for what, count in given_up if what)
    last = {name: max(each.timestamp_boot for each in those) for name, those in told.items()}
    assert last["forks"] < last["exits"] < last["execs"]
    assert stats.forks.received < stats.exits.received < stats.execs.received < 301
    assert {name: getattr(stats, name).lost for name in KINDS} == in_gaps(events, "ring full")
    cut = told["execs"][-1]
    whole = "\0".join([*command[3:], ""]).encode()
    assert (len(whole), whole[:SHORT_ARGV]) == (cut.truncated["argv"], "\0".join(cut.argv).encode())
    assert ([], True) == (cut.env, cut.truncated["env"] > 3000)


def test_late_reader_is_not_woken_by_each_record(programs):
    """It costs whoever wakes it far more than to send the record. But it is woken while much of the ring is free."""
    command = [str(programs / "storm"), "1", "300", str(programs / "true")]
    wakeups = Counter()
    with whatran.watch(command, failed="none", ring_bytes=1 << 18) as watched, select.epoll() as epoll:
        ring, ended = watched._source.fd, os.pidfd_open(watched.pid)
        epoll.register(ring, select.EPOLLIN | select.EPOLLET)
        epoll.register(ended, select.EPOLLIN | select.EPOLLET)
        while not wakeups[ended]:
            wakeups.update(fd for fd, _ in epoll.poll())
        os.close(ended)
        list(watched)
        assert watched.stats.execs.received > 200
    assert 2 <= wakeups[ring] <= 1 + 64 + 1


def by_truncated(event):
    """What of an exec was cut."""
    return sorted(event.truncated)


def grouped(events, key):
    """The first of each run of events that have the same key, and the run."""
    for _, run in itertools.groupby(events, key):
        first, *rest = run
        yield first, [first, *rest]


def test_argument_of_default_limits_is_whole_whatever_waits(programs):
    """What is less than the kernel takes of most, 2 MiB, comes whole though nothing was read before."""
    long = ["z" * ((128 << 10) - 1)] * 15
    with whatran.watch([str(programs / "true"), *long]) as watched:
        os.waitid(os.P_PID, watched.pid, os.WEXITED | os.WNOWAIT)
        [event] = execs(list(watched))

    assert ([str(programs / "true"), *long], {}) == (event.argv, event.truncated)


def test_rate_limit(programs):
    """A cgroup has no more told a second than it may; what is over that is counted, and all is accounted for."""
    command = [str(programs / "storm"), "1", "1000", str(programs / "true")]

    completed = whatran.run(command, rate_limit=50)

    stats, events = completed.stats, [each for each in completed.events if not getattr(each, "repaired", False)]
    counts = {name: getattr(stats, name) for name in KINDS}
    assert {"execs": 1001, "forks": 1001, "exits": 1002} == {name: each.seen for name, each in counts.items()}
    assert {name: len(kind(events)) for name, kind in KINDS.items()} == {
        name: each.received for name, each in counts.items()
    }
    assert {name: each.seen - each.received for name, each in counts.items()} == in_gaps(events, "rate limit")
    assert (stats.limited, 0) == (sum(each.limited for each in counts.values()), stats.lost)
    assert stats.limited > 0
    for kind in KINDS.values():
        seconds = Counter(each.timestamp_boot // NS for each in kind(events))
        # Two CPUs may both begin a second.
        assert max(seconds.values()) <= 50 + os.cpu_count()


def test_recording_of_a_limited_rate(programs, place):
    """Says as much of what is not in it."""
    command = [str(programs / "storm"), "1", "300", str(programs / "true")]
    with record(place / "limited.wr", command, rate_limit=50) as recording:
        while not recording.ended:
            recording.read()
    with replay([place / "limited.wr"]) as replaying:
        events = list(replaying)

    assert recording.stats == replaying.stats
    assert recording.stats.limited == in_gaps(events, "rate limit").total() > 0


def test_rate_of_one_cgroup_is_nothing_to_another(programs, groups):
    """Where one has had its share, all of another is told."""
    noisy, quiet = groups(), groups()
    with Shell() as one, Shell() as other:
        one.do(f"echo $$ > {noisy}/cgroup.procs")
        other.do(f"echo $$ > {quiet}/cgroup.procs")
        with whatran.watch(cgroup=[str(noisy), str(quiet)], rate_limit=5) as watched:
            one.do(f"{programs}/storm 1 300 {programs}/true")
            other.do(f"{programs}/true")
            watched.stop()
            events, stats = list(watched), watched.stats

    told = Counter(each.cgroup for each in execs(events))
    assert 1 == told[f"/{quiet.name}"]
    assert told[f"/{noisy.name}"] + stats.execs.limited == 301
    assert stats.execs.limited > 0


def test_rate_limit_needs_ebpf():
    """By ptrace all stand in line anyhow; a number below 1 is none."""
    with pytest.raises(whatran.UsageError, match="use eBPF"):
        whatran.watch(["true"], source="ptrace", rate_limit=5)
    with pytest.raises(whatran.UsageError, match="rate_limit cannot be 0"):
        whatran.watch(["true"], rate_limit=0)
