"""What the kernel says that processes have used, and what whatran says of it; none of it uses code of the package."""

import os
import re

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")

_UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1, "KiB": 1 << 10, "MiB": 1 << 20}


def own_processes(pid):
    """A whatran and its tracer, if there is one: the child that has begun a session."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [pid, *(child for child in map(int, file.read().split()) if os.getsid(child) == child)]


def used(pids):
    """CPU seconds, cut to whole ticks, and largest resident set in bytes of these processes together."""
    cpu = memory = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", "rb") as file:
            cpu += sum(map(int, file.read().rpartition(b")")[2].split()[11:13])) * TICK_SECONDS
        with open(f"/proc/{pid}/status") as file:
            memory += int(re.search(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE)[1]) * 1024
    return cpu, memory


def loaded_programs():
    """Runs of each BPF program that this process has a descriptor of, and the ns they took."""
    found = {}
    for name in os.listdir("/proc/self/fdinfo"):
        if os.path.lexists(f"/proc/self/fdinfo/{name}"):  # but for the descriptor of that list itself
            with open(f"/proc/self/fdinfo/{name}") as file:
                fields = dict(re.findall(r"^(\w+):\s+(\S+)$", file.read(), re.MULTILINE))
            if "run_cnt" in fields:
                found[fields["prog_id"]] = (int(fields["run_cnt"]), int(fields["run_time_ns"]))
    return sorted(found.values())


def forks_ever():
    """How many tasks were forked since boot."""
    with open("/proc/stat") as file:
        return int(re.search(r"^processes (\d+)$", file.read(), re.MULTILINE)[1])


def block(stream):
    """What is said of the costs next, up to its last line."""
    text = line = ""
    while not line.startswith("  read "):
        line = stream.readline()
        assert line, text
        text += line
    return text


def said(text):
    """CPU seconds and bytes of memory, of which three digits are told."""
    cpu = re.search(r"^  CPU +([0-9.]+)(\w+) ", text, re.MULTILINE)
    memory = re.search(r"^  memory +([0-9.]+) (\w+) ", text, re.MULTILINE)
    return float(cpu[1]) * _UNITS[cpu[2]], float(memory[1]) * _UNITS[memory[2]]


def counted(text):
    """Seen, filtered, lost and received, by kind."""
    rows = re.findall(r"^  (execs|forks|exits|failed|texts) +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.MULTILINE)
    return {kind: tuple(map(int, numbers)) for kind, *numbers in rows}
