import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from whatran.source import procfs
from whatran.source.procfs import boot, descendants, process_of, stat_of


def test_parent_is_getppid():
    """Field 4 of stat, wherever it is in the line."""
    assert os.getppid() == stat_of(os.getpid()).ppid


def test_parent_of_a_process_with_an_odd_name(tmp_path):
    """A comm may hold spaces and brackets."""
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to("/bin/sleep")
    child = subprocess.Popen([odd, "100"])
    try:
        assert os.getpid() == stat_of(child.pid).ppid
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("comm", [b"a\vTgid:\t1", b"a\x1cTgid:\t1", b"a\nTgid:\t1", b"\xff\xfe"])
def test_process_of_a_thread_with_an_odd_name(comm):
    """A name is not taken for a line of its own, nor need it be UTF-8."""
    before = Path("/proc/self/comm").read_bytes()
    Path("/proc/self/comm").write_bytes(comm)
    try:
        assert os.getpid() == process_of(os.getpid())
    finally:
        Path("/proc/self/comm").write_bytes(before)


@pytest.mark.parametrize("text", [b"", b"1 (a) R", b"1 (a) R x 2 3" + b" 0" * 50])
def test_text_that_is_no_stat(tmp_path, monkeypatch, text):
    """Of such a process nothing is known."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1/stat").write_bytes(text)
    (tmp_path / "1/status").write_bytes(text)
    monkeypatch.setattr(procfs, "PROC", tmp_path)

    assert (None, None) == (stat_of(1), process_of(1))


def test_no_process_has_no_parent():
    """A pid above the highest there can be."""
    assert (stat_of(1 << 22), process_of(1 << 22)) == (None, None)


def test_descendants_are_children_and_theirs():
    """A child of a child is found, the process itself and others are not."""
    with subprocess.Popen(
        ["sh", "-c", "sleep 100 & echo $!; wait"], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as shell:
        sleep = int(shell.stdout.readline())
        try:
            assert {sleep: stat_of(sleep)} == descendants(shell.pid)
            assert {shell.pid, sleep} <= descendants(os.getpid()).keys()
            assert os.getpid() not in descendants(os.getpid())
        finally:
            os.kill(sleep, 9)


def test_wall_offset_turns_boot_time_into_wall_time():
    """Both clocks advance alike, so their difference is the same a moment later."""
    offset = boot().wall_offset
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + offset
    now = time.time_ns()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + offset

    assert before - 1_000_000 < now < after + 1_000_000


def test_boot_has_the_kernels_id():
    """It is the same until the next boot."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        assert file.read().strip() == boot().id


def test_a_thread_belongs_to_its_process():
    """Its id is no process id, though /proc has a folder for it."""
    told, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (told.set(), go.wait()))
    thread.start()
    told.wait()
    try:
        assert (os.getpid(), os.getpid()) == (process_of(thread.native_id), process_of(os.getpid()))
    finally:
        go.set()
        thread.join()
