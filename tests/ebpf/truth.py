"""What the kernel said to the witness programs, in the words of the events, and how the two are compared.

A witness prints raw bytes (see tests/witness/tell.h); all reading of them is here, and none of it
uses code of the package.
"""

import json
import os
from dataclasses import dataclass

CLOCK_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
UNSET = 0xFFFFFFFF


def told(output, label=None):
    """The witnesses whose lines are in the output, in order; those of one label if it is given."""
    said = [json.loads(line) for line in output.splitlines() if line.startswith('{"label":')]
    return [Witness(each) for each in said if label in (None, each["label"])]


@dataclass(frozen=True)
class Witness:
    """One line of a witness; what it holds is at [key], bytes as bytes."""

    said: dict

    def __getitem__(self, key):
        value = self.said[key]
        return bytes.fromhex(value) if isinstance(value, str) and key != "label" else value

    def text(self, key):
        return os.fsdecode(self[key])

    def strings(self, key):
        """The strings of cmdline or environ, each of which ends with a NUL."""
        return [os.fsdecode(each) for each in self[key].split(b"\0")[:-1]]

    def status(self, name):
        """The words after 'name:' in /proc/PID/status."""
        lines = self.text("status").split("\n")
        return next(line for line in lines if line.startswith(f"{name}:")).partition(":")[2].split()

    def stat(self, number):
        """Field of /proc/PID/stat by its number in proc(5)."""
        return stat_field(self["stat"], number)

    def namespace(self, name):
        return int(self.text(f"ns/{name}").partition("[")[2].rstrip("]"))

    @property
    def pathname(self):
        return self.text("exe").removesuffix(" (deleted)")

    @property
    def start_ticks(self):
        return self.stat(22)

    @property
    def cgroup_id(self):
        """Inode of the cgroup's directory in the v2 hierarchy; None where that is not mounted."""
        path = next((line[3:] for line in self.text("cgroup").split("\n") if line.startswith("0::")), None)
        mount = cgroup2_mount()
        return os.stat(mount + path).st_ino if mount and path is not None else None

    def interpreter(self):
        """(path, device, inode, ctime) of the file mapped at AT_BASE, four times None where there is none."""
        if not self["at_base"]:
            return (None,) * 4
        for line in self.text("maps").split("\n"):
            start, end = (int(each, 16) for each in line.partition(" ")[0].split("-"))
            if start <= self["at_base"] < end:
                _, _, _, device, inode, path = line.split(maxsplit=5)
                found = os.stat(path)
                mapped = (os.makedev(*(int(each, 16) for each in device.split(":"))), int(inode))
                assert mapped == (found.st_dev, found.st_ino)
                return path, *mapped, found.st_ctime_ns
        raise AssertionError("nothing is mapped at AT_BASE")


def stat_field(raw, number):
    """Field of the bytes of a /proc/PID/stat by its number in proc(5), from 3 on."""
    return int(raw.rpartition(b")")[2].split()[number - 3])


def cgroup2_mount():
    with open("/proc/self/mounts") as mounts:
        return next((line.split()[1] for line in mounts if line.split()[2] == "cgroup2"), None)


def ids(words):
    return dict(zip(("real", "effective", "saved", "fs"), map(int, words), strict=True))


def task_fields(witness):
    """What the common fields of an event must be by the word of its task."""
    uid, gid = ids(witness.status("Uid")), ids(witness.status("Gid"))
    loginuid, session = int(witness["loginuid"]), int(witness["sessionid"])
    fields = {
        "pid": int(witness.status("NStgid")[0]),
        "ns_pid": witness["pid"],
        "process_start_ticks": witness.start_ticks,
        "ppid": int(witness.status("PPid")[0]),
        "comm": witness.text("comm").removesuffix("\n"),
        "uid": uid["real"],
        "gid": gid["real"],
        "euid": uid["effective"],
        "egid": gid["effective"],
        "suid": uid["saved"],
        "sgid": gid["saved"],
        "fsuid": uid["fs"],
        "fsgid": gid["fs"],
        "loginuid": None if loginuid == UNSET else loginuid,
        "audit_session": None if session == UNSET else session,
        "session_id": witness.stat(6),
        "process_group": witness.stat(5),
        "tty": witness.stat(7) or None,
        "cap_effective": int(witness.status("CapEff")[0], 16),
        "mnt_ns": witness.namespace("mnt"),
        "pid_ns": witness.namespace("pid"),
        "user_ns": witness.namespace("user"),
        "net_ns": witness.namespace("net"),
        "uts_ns": witness.namespace("uts"),
        "ipc_ns": witness.namespace("ipc"),
        "cgroup_ns": witness.namespace("cgroup"),
    }
    if witness["parent/comm"] is not None:
        fields["ppid_comm"] = witness.text("parent/comm").removesuffix("\n")
        fields["ppid_start_ticks"] = stat_field(witness["parent/stat"], 22)
    if witness.cgroup_id is not None:
        fields["cgroup_id"] = witness.cgroup_id
    return fields


def exec_fields(witness):
    """What the fields of an Exec must be by the word of the program that was executed."""
    exe, stdin = witness["stat:exe"], witness["stat:fd/0"]
    path, device, inode, ctime = witness.interpreter()
    pid = int(witness.status("NStgid")[0])
    # A program that is more than who started it may not read its own environment.
    envc = {} if witness["environ"] is None else {"envc": len(witness.strings("environ"))}
    return (
        task_fields(witness)
        | envc
        | {
            "event": "sched_process_exec",
            "tid": pid,
            "ns_tid": witness["tid"],
            "old_tid": pid,
            "cmdpath": witness.text("execfn"),
            "interp": witness.text("execfn"),
            "pathname": witness.pathname,
            "dev": exe["dev"],
            "inode": exe["ino"],
            "ctime": exe["ctime_ns"],
            "inode_mode": exe["mode"],
            "deleted": exe["nlink"] == 0,
            "memfd": False,
            "interpreter_pathname": path,
            "interpreter_dev": device,
            "interpreter_inode": inode,
            "interpreter_ctime": ctime,
            "argv": witness.strings("cmdline"),
            "argc": len(witness.strings("cmdline")),
            "env": None,
            "stdin_type": stdin and stdin["mode"] & 0o170000,
            "stdin_path": stdin and witness.text("fd/0"),
            "cwd": witness.text("cwd"),
            "secureexec": bool(witness["at_secure"]),
            "invoked_from_kernel": False,
            "truncated": {},
            "unreadable": [],
        }
    )


def assert_fields(event, expected):
    """The event's fields are as expected; what is not is shown with both values."""
    actual = observed(event, expected)
    wrong = [name for name in expected if expected[name] != actual[name]]
    assert {name: expected[name] for name in wrong} == {name: actual[name] for name in wrong}


def observed(event, names):
    """Those fields of the event; start times in the clock ticks that /proc shows."""
    ticks = {"process_start_ticks": "process_start_time", "ppid_start_ticks": "ppid_start_time"}
    return {
        name: getattr(event, ticks[name]) // CLOCK_TICK_NS if name in ticks else getattr(event, name) for name in names
    }


def assert_task_matches(event, witness, **other):
    """The common fields of the event are what its task said of itself, but for those given."""
    assert_fields(event, task_fields(witness) | other)


def assert_exec_matches(event, witness, **other):
    """Every field of the Exec is what the executed program said of itself, but for those given."""
    assert_fields(event, exec_fields(witness) | other)


def execs(events, **wanted):
    return [e for e in events if e.event == "sched_process_exec" and matches(e, wanted)]


def forks(events, **wanted):
    return [e for e in events if e.event == "sched_process_fork" and matches(e, wanted)]


def exits(events, **wanted):
    return [e for e in events if e.event == "sched_process_exit" and matches(e, wanted)]


def matches(event, wanted):
    return all(getattr(event, name) == value for name, value in wanted.items())


def only(items):
    """The one item there is."""
    assert len(items) == 1, items
    return items[0]
