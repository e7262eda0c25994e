import ctypes.util

import pytest

from whatran.errors import SourceError
from whatran.source import probe
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


def test_missing_privilege_is_told_with_sudo(monkeypatch, tmp_path):
    """An ordinary user learns what to type."""
    status = tmp_path / "status"
    status.write_text("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n")
    monkeypatch.setattr(probe, "STATUS", status)

    assert "sudo" in probe.ebpf_blocker()


def test_two_capabilities_are_enough(monkeypatch, tmp_path):
    """CAP_BPF and CAP_PERFMON, without root."""
    status = tmp_path / "status"
    status.write_text("CapEff:\t000000c000000000\n")
    monkeypatch.setattr(probe, "STATUS", status)

    assert probe.YES == probe.has_privilege().answer


def test_missing_libbpf_says_which_package():
    """One sentence with the way out."""
    with pytest.raises(SourceError, match="libbpf1 on Debian"):
        Library("libbpf-of-nowhere.so.1")


def test_library_older_than_needed_is_refused():
    """A library without the functions is no libbpf 1.0."""
    with pytest.raises(SourceError, match=r"older than 1\.0"):
        Library(ctypes.util.find_library("c"))
