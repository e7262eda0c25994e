import ctypes.util
import os

import pytest

from whatran.errors import SourceError
from whatran.source import capabilities, memlock, probe, procfs
from whatran.source.libbpf import Library


def test_every_check_answers_with_one_of_three_words():
    """yes, no or cannot tell; and a no always comes with what to do."""
    for check in probe.checks():
        assert check.answer in {probe.YES, probe.NO, probe.CANNOT_TELL}
        assert check.answer != probe.NO or check.next_step or check.name in {"bpf_loop", "libbpf"}


def test_missing_btf_is_named_with_the_option_to_build_with(monkeypatch, tmp_path):
    """The first thing that is missing is the one that is said."""
    monkeypatch.setattr(probe, "BTF", tmp_path / "vmlinux")

    assert "CONFIG_DEBUG_INFO_BTF=y" in probe.ebpf_blocker()


@pytest.mark.parametrize(
    ("uid", "held", "said"),
    [
        (1000, set(), "without CAP_BPF and CAP_PERFMON; run whatran with sudo"),
        (1000, {39, 19}, "without CAP_PERFMON; run whatran with sudo"),
        (0, {38}, "root without CAP_BPF; give the container both: docker run --cap-add BPF --cap-add PERFMON"),
    ],
)
def test_missing_privilege_is_named(monkeypatch, uid, held, said):
    """Each capability that is missing, and what to type; root, who has sudo already, is in a container."""
    monkeypatch.setattr(capabilities, "effective", lambda: held)
    monkeypatch.setattr(os, "geteuid", lambda: uid)

    assert f"cannot use eBPF here: {said}" == probe.ebpf_blocker()


@pytest.mark.parametrize("held", [{39, 38}, {21}])
def test_two_capabilities_are_enough(monkeypatch, held):
    """CAP_BPF and CAP_PERFMON, without root; CAP_SYS_ADMIN has both."""
    monkeypatch.setattr(capabilities, "effective", lambda: held)

    assert probe.YES == probe.has_privilege().answer


@pytest.mark.parametrize(
    ("newer", "hard", "held", "answer"),
    [
        (probe.NO, 8 << 20, {38, 39}, probe.NO),
        (probe.NO, 8 << 20, {24, 38, 39}, probe.YES),
        (probe.NO, 64 << 20, {38, 39}, probe.YES),
        (probe.NO, None, {38, 39}, probe.YES),
        (probe.YES, 8 << 20, {38, 39}, probe.YES),
        (probe.CANNOT_TELL, 8 << 20, {38, 39}, probe.CANNOT_TELL),
    ],
)
def test_locked_memory(monkeypatch, newer, hard, held, answer):
    """Before 5.11 the limit must be high, or may be raised; else both ways to raise it are named."""
    monkeypatch.setattr(probe, "has_helper_current_task", lambda: probe.Check("failed execs", newer, ""))
    monkeypatch.setattr(memlock, "hard_limit", lambda: hard)
    monkeypatch.setattr(capabilities, "effective", lambda: held)

    check = probe.has_locked_memory()

    assert (answer, answer == probe.NO) == (check.answer, "8192 KiB" in check.detail)
    assert (answer == probe.NO) == ("prlimit" in check.next_step and "LimitMEMLOCK=infinity" in check.next_step)


def test_hidden_processes_are_told(monkeypatch):
    """Where /proc hides those of others, --pid finds none; the capability that shows them is named."""
    monkeypatch.setattr(procfs, "stat_of", lambda _: None)

    check = probe.has_others()

    assert (probe.NO, True) == (check.answer, "CAP_SYS_PTRACE" in check.next_step)


def test_missing_libbpf_says_which_package():
    """One sentence with the way out."""
    with pytest.raises(SourceError, match="libbpf1 on Debian"):
        Library("libbpf-of-nowhere.so.1")


def test_library_older_than_needed_is_refused():
    """A library without the functions is no libbpf 1.0."""
    with pytest.raises(SourceError, match=r"older than 1\.0"):
        Library(ctypes.util.find_library("c"))
