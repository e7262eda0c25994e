import os

import pytest

from whatran.source import capabilities, probe, ptrace_probe
from whatran.source.proctask import Task
from whatran.wire import layout


def test_every_check_answers_with_one_of_three_words():
    """yes, no or cannot tell; and a no always comes with what to do."""
    for check in ptrace_probe.checks():
        assert check.answer in {probe.YES, probe.NO, probe.CANNOT_TELL}
        assert check.answer != probe.NO or check.next_step


def test_no_child_stays():
    """Whoever was traced to see whether that works is gone."""
    ptrace_probe.has_ptrace()

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize(
    ("scope", "held", "answer"),
    [
        ("0", set(), probe.YES),
        ("1", set(), probe.YES),
        ("2", set(), probe.NO),
        ("2", {19}, probe.YES),
        ("3", {19}, probe.NO),
        (None, set(), probe.YES),
    ],
)
def test_yama(monkeypatch, tmp_path, scope, held, answer):
    """Yama allows it up to 1, with CAP_SYS_PTRACE up to 2; else the next step names the setting."""
    if scope is not None:
        (tmp_path / "ptrace_scope").write_text(f"{scope}\n")
    monkeypatch.setattr(ptrace_probe, "YAMA", tmp_path / "ptrace_scope")
    monkeypatch.setattr(capabilities, "effective", lambda: held)

    check = ptrace_probe.has_yama()

    assert (answer, answer == probe.NO) == (check.answer, "kernel.yama.ptrace_scope=1" in check.next_step)


def test_foreign_proc(monkeypatch, tmp_path):
    """A /proc of another pid namespace shows others under our numbers: it cannot be used."""
    (tmp_path / "self").symlink_to("999999999")
    monkeypatch.setattr(ptrace_probe, "PROC", tmp_path)

    assert probe.NO == ptrace_probe.has_own_proc().answer


def test_blocker_is_the_first_no():
    """One sentence with the next step; none where nothing is in the way."""
    found = [probe.Check("a", probe.YES, ""), probe.Check("b", probe.NO, "it is so", "do this")]

    assert "cannot use ptrace here: it is so; do this" == ptrace_probe.blocker(found)
    assert None is ptrace_probe.blocker(found[:1])


def test_task_is_that_of_the_layout():
    """The values are in the order of the wire."""
    assert tuple(name for name, _ in layout.TASK) == Task._fields
