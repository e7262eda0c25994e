"""whatran doctor."""

import os
import sys

import pytest

from whatran.cli import grants
from whatran.process.users import Names
from whatran.source import choose, probe, ptrace_probe

CHECKS = [
    probe.Check("kernel BTF", "yes", "/sys/kernel/btf/vmlinux"),
    probe.Check("privilege", "no", "neither root nor\x1b[2J", "run whatran with sudo"),
    probe.Check("ring buffer", "cannot tell", "Operation not permitted"),
    probe.Check("bpf_loop", "yes", ""),
]
PTRACE_CHECKS = [probe.Check("Yama", "yes", "not in force"), probe.Check("ptrace", "yes", "")]
FORBIDDEN = [probe.Check("Yama", "no", "it is 3", "reboot")]


@pytest.fixture
def checks(monkeypatch):
    """The answers of this machine are those above, for alice of the staff."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(Names, "user", lambda self, uid: "alice")
    monkeypatch.setattr(Names, "group", lambda self, gid: "staff")
    monkeypatch.setattr(sys, "argv", ["/opt/my tools/whatran", "doctor"])
    monkeypatch.setattr(probe, "checks", lambda: CHECKS)
    monkeypatch.setattr(ptrace_probe, "checks", lambda: PTRACE_CHECKS)


@pytest.mark.usefixtures("checks")
def test_all_checks_are_listed_with_the_next_step(run, monkeypatch):
    """Every check is an aligned line, safe to print; then next steps, how to do without root, what prevents eBPF."""
    monkeypatch.setattr(grants, "lines", lambda *user: [f"without root, as {user}"])
    monkeypatch.setattr(choose, "ebpf_blocker", lambda: "cannot use eBPF here: x; run whatran with sudo")
    expected = """\
kernel BTF   yes          /sys/kernel/btf/vmlinux
privilege    no           neither root nor\\x1b[2J
ring buffer  cannot tell  Operation not permitted
bpf_loop     yes
Yama         yes          not in force
ptrace       yes

next steps:
  privilege: run whatran with sudo

without root, as ('alice', 'staff')

cannot use eBPF here: x; run whatran with sudo
whatran can follow commands by ptrace here, as in: whatran -- make
"""

    assert (1, expected, "") == run("doctor")


@pytest.mark.usefixtures("checks")
def test_nothing_is_in_the_way(run, monkeypatch):
    """Where eBPF can be used the status is 0."""
    monkeypatch.setattr(choose, "ebpf_blocker", lambda: None)
    status, out, _ = run("doctor")

    assert (0, "whatran can watch with eBPF here") == (status, out.splitlines()[-1])
    assert "without root" not in out


@pytest.mark.usefixtures("checks")
def test_root_is_told_how_others_may(run, monkeypatch):
    """Of an administrator's choices each is there as lines to type, for a user yet to be named."""
    monkeypatch.setattr(choose, "ebpf_blocker", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    _, out, _ = run("doctor")

    assert "setpriv --reuid=USER --regid=GROUP --init-groups" in out
    assert "'/opt/my tools/whatran'\n" in out
    assert "sudo setcap cap_bpf,cap_perfmon,cap_dac_read_search=ep /opt/whatran/bin/python3" in out
    assert "AmbientCapabilities=CAP_BPF CAP_PERFMON CAP_DAC_READ_SEARCH\n" in out


@pytest.mark.usefixtures("checks")
def test_no_source(run, monkeypatch):
    """Where neither eBPF nor ptrace can be used both reasons are said."""
    monkeypatch.setattr(choose, "ebpf_blocker", lambda: "cannot use eBPF here: x")
    monkeypatch.setattr(ptrace_probe, "checks", lambda: FORBIDDEN)
    status, out, _ = run("doctor")

    assert (1, ["cannot use eBPF here: x", "cannot use ptrace here: it is 3; reboot"]) == (
        status,
        out.splitlines()[-2:],
    )
