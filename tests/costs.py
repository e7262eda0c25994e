"""What the kernel says of programs and processes; none of it uses code of the package."""

import os
import re


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
