"""Giving up privileges, in processes of their own: there is no way back."""

import json
import subprocess
import sys

import pytest

from whatran.source import capabilities
from whatran.source.capabilities import BPF, DAC_READ_SEARCH, KILL

CODE = """
import json, subprocess, sys
from whatran.errors import SourceError
from whatran.source import capabilities

wanted, needed = map(set, json.loads(sys.argv[1]))

def works():
    if not needed <= capabilities.effective():
        raise SourceError("this takes more")

kept = capabilities.keep_only(wanted, works)
executed = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True).stdout
print(json.dumps([sorted(kept), open("/proc/self/status").read(), executed]))
"""

NAMES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs")


def sets(status):
    """What the kernel says of a process, in the order of NAMES."""
    lines = dict(line.split(":\t") for line in status.splitlines())
    return [int(lines[name], 16) for name in NAMES]


def kept(*wanted, needed=(), before=()):
    """What a process says that it kept, what it has then, and what a program has that it executes."""
    command = [*before, sys.executable, "-c", CODE, json.dumps([wanted, needed])]
    said, own, executed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return said, sets(own), sets(executed)


needs_all = pytest.mark.skipif(
    not {BPF, DAC_READ_SEARCH, KILL} <= capabilities.effective(), reason="only who has privileges can give them up"
)


def test_what_is_effective_is_what_the_kernel_says():
    """Of this process, as in its status."""
    with open("/proc/self/status") as file:
        effective = sets(file.read())[2]

    assert {number for number in range(64) if effective >> number & 1} == capabilities.effective()


@needs_all
def test_all_else_is_given_up_for_good():
    """What is kept is all there is; a program that root executes after that gets nothing that was not kept."""
    bits = 1 << DAC_READ_SEARCH | 1 << KILL

    assert ([DAC_READ_SEARCH, KILL], [0, bits, bits, bits, 0, 1], [0, bits, bits, bits, 0, 1]) == kept(
        DAC_READ_SEARCH, KILL
    )


@needs_all
def test_what_it_does_not_work_without():
    """Where the kernel asks for CAP_BPF whatever is done with a map, that is kept."""
    said, (_, permitted, effective, *_), _ = kept(KILL, needed=[BPF])

    assert ([KILL, BPF], 1 << KILL | 1 << BPF) == (said, permitted)
    assert permitted == effective


@needs_all
def test_ambient_capabilities_are_given_up_too():
    """So a program executed by an ordinary user who was given some has none; what bounds them only root can lower."""
    user = ["setpriv", "--reuid=34567", "--regid=34567", "--clear-groups"]
    given = [f"--{which}=+bpf,+dac_read_search" for which in ("inh-caps", "ambient-caps")]
    bits = 1 << DAC_READ_SEARCH

    said, own, executed = kept(DAC_READ_SEARCH, KILL, before=[*user, *given])

    assert ([DAC_READ_SEARCH], [0, bits, bits], [0, 1]) == (said, own[:3], own[4:])
    assert ([0, 0, 0], [0, 1]) == (executed[:3], executed[4:])


@needs_all
def test_who_has_nothing_gives_up_nothing():
    """Without privileges it works all the same."""
    said, own, _ = kept(KILL, before=["setpriv", "--inh-caps=-all", "--bounding-set=-all"])

    assert ([], [0, 0, 0, 0, 0, 1]) == (said, own)
