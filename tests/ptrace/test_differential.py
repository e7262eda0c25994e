"""The two sources hold each other to account: what both can say of a command must be the same."""

import os
import subprocess
import time
from collections import defaultdict

import pytest

import whatran
from tests.ebpf.truth import CLOCK_TICK_NS
from whatran.source.choose import ebpf_blocker

from .corpus import CORPUS

REQUIRE = "WHATRAN_REQUIRE_EBPF"

# What two runs of one command do not have in common, whoever watches.
OF_THE_RUN = {
    "timestamp": "it is another time",
    "timestamp_boot": "it is another time",
    "sequence": "it counts a CPU's records; checked by itself",
    "cpu": "the scheduler decides it; by ptrace it is 0",
    "duration": "measured",
    "user_time": "measured",
    "system_time": "measured",
    "minor_faults": "depends on what the page cache has mapped around",
    "major_faults": "depends on what is in the page cache",
    "read_bytes": "depends on what is in the page cache",
    "write_bytes": "depends on when a file's time is updated",
}

# Where the sources differ, and why. Nothing else may.
OF_THE_SOURCE = {
    "exec_id": "ptrace counts from the command on; compared from there",
    "max_rss": "ptrace has that since the last exec (VmHWM), eBPF that of the whole life, as the kernel estimates it",
    "upper_layer": "the layers of an overlay are nobody's business outside of the kernel: None by ptrace",
}

# Of single commands: what differs, and why.
OF_THE_COMMAND = {
    "user-namespace": {"prev_cap_effective": "capabilities taken since the last event are not seen by ptrace"},
    "renamed": {"prev_comm": "a name taken since the last event is not seen by ptrace"},
    "setpriv": {"prev_cap_effective": "capabilities given up since the last event are not seen by ptrace"},
    "setpriv-caps": {"prev_cap_effective": "capabilities given up since the last event are not seen by ptrace"},
}

# Programs that tell what /proc/self/status says, which is who traces them: they read and write a bit more.
TELLING = ("witness", "births", "ends", "suid", "inner", "outer", "copy", "gone", "closed", "(deleted)", "\udcff")

PIDS = {
    "pid", "tid", "ns_pid", "ns_tid", "ppid", "creator_pid", "session_id", "process_group", "old_tid", "parent_tid",
    "parent_ns_tid", "parent_pid", "parent_ns_pid", "child_tid", "child_ns_tid", "child_pid", "child_ns_pid",
    "parent_process_tid", "parent_process_ns_tid", "parent_process_pid",
}  # fmt: skip
THREADS = {"tid", "ns_tid", "old_tid", "parent_tid", "parent_ns_tid"}
STARTS = {"process_start_time", "creator_start_time", "ppid_start_time", "parent_start_time", "start_time"}
NAMESPACES = {"mnt_ns", "pid_ns", "user_ns", "net_ns", "uts_ns", "ipc_ns", "cgroup_ns"}


COARSE_NS = 10_000_000
"""Times of files are as of the last tick."""


@pytest.fixture(autouse=True)
def _both(_ptrace):
    blocker = ebpf_blocker()
    if blocker is not None and os.environ.get(REQUIRE) == "1":
        pytest.fail(blocker, pytrace=False)
    if blocker is not None:
        pytest.skip(f"{blocker} ({REQUIRE}=1 makes this a failure)")


def watched(command, source):
    """All that one source says of a command."""
    done = whatran.run(command, source=source, failed="none", env=["PATH"], threads=False)
    assert 0 == done.stats.lost
    return done


def described(events, since):
    """By the place of each process in the tree what happened to it, with nothing in it that is of one run only."""
    ours = os.getpid()
    places = {(events[0].pid, events[0].process_start_time): "command"}
    born = defaultdict(int)
    for event in events:
        if event.event == "sched_process_fork":
            creator = places[event.pid, event.process_start_time]
            born[creator] += 1
            places[event.child_pid, event.start_time] = f"{creator}.{born[creator]}"
    by_pid = defaultdict(list)
    for (pid, start), name in places.items():
        by_pid[pid].append((start, name))

    def process(pid, at):
        """Who has this pid then."""
        names = [name for start, name in sorted(by_pid.get(pid, ())) if start <= at]
        return names[-1] if names else "us" if pid == ours else pid

    starts = {start: name for (_, start), name in places.items()}
    namespaces = {getattr(events[0], name): name for name in NAMESPACES}

    def comparable(event, name, value):  # noqa: PLR0911 (a case each)
        """What the value has in common with that of another run."""
        if name in PIDS:
            value = process(value, event.timestamp_boot)
            return "a thread" if name in THREADS and isinstance(value, int) else value
        if name in STARTS:
            return starts.get(value, "a thread" if name == "parent_start_time" else value // CLOCK_TICK_NS)
        if name.endswith(("ctime", "inode")):
            return "new" if getattr(event, name.replace("inode", "ctime")) >= since else value
        if name in NAMESPACES:
            return namespaces.get(value, "another")
        if name == "stdin_path" and value.startswith(("pipe:", "socket:")):
            return value.partition("[")[0]
        if name == "argv":
            return ["" if word.isdecimal() else word for word in value]
        return value

    found = defaultdict(list)
    for event in events:
        said = {}
        for name in event.__struct_fields__:
            if name not in OF_THE_RUN and name not in OF_THE_SOURCE:
                value = getattr(event, name)
                said[name] = value if value is None else comparable(event, name, value)
        said["exec_id"] = event.exec_id - events[0].exec_id
        found[places[event.pid, event.process_start_time]].append(said)
    return dict(found)


@pytest.mark.parametrize("name", CORPUS)
def test_same(programs, tmp_path_factory, monkeypatch, name):
    """Both sources say the same of one command, field by field, but for what is written above with its reason."""
    said = {}
    since = time.time_ns() - COARSE_NS
    for source in ("ebpf", "ptrace"):
        place = tmp_path_factory.getbasetemp() / name
        place.mkdir()
        place.parent.chmod(0o755)
        place.parent.parent.chmod(0o755)
        place.chmod(0o777)
        command = CORPUS[name](programs, place)
        done = watched(command, source)
        said[source] = (done.returncode, described(done.events, since))
        subprocess.run(["rm", "-rf", place], check=True)

    allowed = set(OF_THE_COMMAND.get(name, ()))
    if any(word in " ".join(command) for word in TELLING):
        allowed |= {"rchar", "wchar"}
    ebpf, ptrace = said["ebpf"][1], said["ptrace"][1]
    assert said["ebpf"][0] == said["ptrace"][0]
    assert {who: [each["event"] for each in what] for who, what in ebpf.items()} == {
        who: [each["event"] for each in what] for who, what in ptrace.items()
    }
    different = {
        f"{who} {one['event']} {field}": (one[field], other[field])
        for who in ebpf
        for one, other in zip(ebpf[who], ptrace[who], strict=True)
        for field in one
        if one[field] != other[field] and field not in allowed
    }
    assert {} == different


def test_corpus():
    """There are enough commands, and no reason is left over."""
    assert len(CORPUS) >= 40
    assert OF_THE_COMMAND.keys() <= CORPUS.keys()


def test_order_and_numbers(programs):
    """By ptrace too the records of a kind are numbered from 1 on without a hole, and in the order of time."""
    command = [str(programs / "storm"), "2", "100", str(programs / "true")]

    events = whatran.run(command, source="ptrace").events

    streams = defaultdict(list)
    for event in events:
        streams[event.event].append(event)
    for stream in streams.values():
        assert list(range(1, len(stream) + 1)) == [each.sequence for each in stream]
        assert sorted(each.timestamp_boot for each in stream) == [each.timestamp_boot for each in stream]
