"""whatran doctor."""

import pytest

from whatran.source import probe

CHECKS = [
    probe.Check("kernel BTF", "yes", "/sys/kernel/btf/vmlinux"),
    probe.Check("privilege", "no", "neither root nor\x1b[2J", "run whatran with sudo"),
    probe.Check("ring buffer", "cannot tell", "Operation not permitted"),
    probe.Check("bpf_loop", "yes", ""),
]


@pytest.fixture
def checks(monkeypatch):
    """The answers of this machine are those above."""
    monkeypatch.setattr(probe, "checks", lambda: CHECKS)


@pytest.mark.usefixtures("checks")
def test_all_checks_are_listed_with_the_next_step(run, monkeypatch):
    """Every check is an aligned line, safe to print; then come the next steps, and what prevents eBPF."""
    monkeypatch.setattr(probe, "ebpf_blocker", lambda: "cannot use eBPF here: x; run whatran with sudo")
    expected = """\
kernel BTF   yes          /sys/kernel/btf/vmlinux
privilege    no           neither root nor\\x1b[2J
ring buffer  cannot tell  Operation not permitted
bpf_loop     yes

next steps:
  privilege: run whatran with sudo

cannot use eBPF here: x; run whatran with sudo
"""

    assert (1, expected, "") == run("doctor")


@pytest.mark.usefixtures("checks")
def test_nothing_is_in_the_way(run, monkeypatch):
    """Where eBPF can be used the status is 0."""
    monkeypatch.setattr(probe, "ebpf_blocker", lambda: None)
    status, out, _ = run("doctor")

    assert (0, "whatran can watch with eBPF here") == (status, out.splitlines()[-1])
