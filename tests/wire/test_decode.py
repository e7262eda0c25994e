import mmap
import os
import stat
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.frames import NO_FILE, PROGRAM, exec_frame, exit_frame, failed_frame, fork_frame
from whatran.errors import DecodeError
from whatran.event import Boot, Event, Exec, ExecFailed, Exit, Fork
from whatran.wire import decode as whatran_decode
from whatran.wire import layout
from whatran.wire.files import ANON_INODEFS, NSFS, OVERLAYFS, PIPEFS, SOCKFS

decode = partial(whatran_decode.decode, boot=Boot("some-boot", 1_000_000))


def test_exec_frame_becomes_an_exec_with_its_facts():
    """Each part of the frame lands in the field that is named for it."""
    event = decode(
        exec_frame(
            texts={
                "cmdpath": b"./p\0",
                "interp": b"./p\0",
                "pathname": b"p\0bin\0usr\0",
                "interpreter_pathname": b"ld.so\0lib\0",
                "stdin_path": b"null\0dev\0",
                "cwd": b"",
                "argv": b"p\0\0-x\0",
            },
            interpreter=PROGRAM | {"inode": 12},
            stdin=NO_FILE | {"inode": 13, "mode": stat.S_IFCHR | 0o666},
            argc=3,
        )
    )

    assert isinstance(event, Exec)
    assert "some-boot" == event.boot_id
    assert (1_005_000, 5_000, 1, 1) == (event.timestamp, event.timestamp_boot, event.cpu, event.sequence)
    assert ("./p", "/usr/bin/p", "./p") == (event.cmdpath, event.pathname, event.interp)
    assert (os.makedev(8, 1), 11, 3_000_000_004, 0o100755) == (event.dev, event.inode, event.ctime, event.inode_mode)
    assert ("/lib/ld.so", 12) == (event.interpreter_pathname, event.interpreter_inode)
    assert (stat.S_IFCHR, "/dev/null") == (event.stdin_type, event.stdin_path)
    assert ["p", "", "-x"] == event.argv
    assert "/" == event.cwd
    assert ({}, []) == (event.truncated, event.unreadable)


def test_absent_things_are_none():
    """No loader, no stdin, no environment asked for, no login: None, not empty."""
    event = decode(exec_frame())

    assert [None] * 8 == [
        event.interpreter_pathname,
        event.interpreter_dev,
        event.stdin_type,
        event.stdin_path,
        event.env,
        event.loginuid,
        event.audit_session,
        event.tty,
    ]


def test_environment_that_was_asked_for_may_be_empty():
    """An empty environment is a list, unlike one that was not captured."""
    assert [] == decode(exec_frame(flags=layout.EXEC_ENV)).env


def test_unread_fields_are_none_and_named():
    """What could not be read is None, and says so."""
    event = decode(exec_frame(unread=0b1_0100_0001, texts={"argv": b""}))

    assert ["cmdpath", "argv", "prev_comm", "prev_euid", "prev_egid", "prev_cap_effective"] == event.unreadable
    assert (None, None, None, None) == (event.cmdpath, event.argv, event.prev_comm, event.prev_euid)


def test_cut_argv_keeps_its_true_length():
    """The last string of a cut argv is what was kept of it."""
    event = decode(exec_frame(texts={"argv": b"p\0long"}, full={"argv": 100}))

    assert (["p", "long"], {"argv": 100}) == (event.argv, event.truncated)


def test_cut_path_does_not_look_absolute():
    """Its upper part is missing, so it must not begin at the root."""
    event = decode(exec_frame(texts={"pathname": b"c\0b\0"}, full={"pathname": 9}))

    assert ("b/c", {"pathname": 9}) == (event.pathname, event.truncated)


@pytest.mark.parametrize(
    ("magic", "raw", "path"),
    [
        (PIPEFS, b"\0", "pipe:[5]"),
        (SOCKFS, b"UNIX-STREAM\0", "socket:[5]"),
        (ANON_INODEFS, b"[eventfd]\0", "anon_inode:[eventfd]"),
        (0x01021994, b"memfd:x\0", "memfd:x"),
    ],
)
def test_things_outside_the_tree_are_named_as_proc_names_them(magic, raw, path):
    """A pipe, a socket, an anonymous inode and a memfd have no directory above them."""
    stdin = NO_FILE | {"inode": 5, "fs_magic": magic, "flags": layout.FILE_DETACHED}

    assert path == decode(exec_frame(texts={"stdin_path": raw}, stdin=stdin)).stdin_path


def test_a_namespace_is_named_by_its_kind():
    """One of the task's own, that is: of another no more than the number is known."""
    stdin = NO_FILE | {"fs_magic": NSFS, "flags": layout.FILE_DETACHED}
    events = [
        decode(exec_frame(texts={"stdin_path": b"/\0"}, stdin=stdin | {"inode": inode}, mnt_ns=7, cgroup_ns=8))
        for inode in (7, 8, 9)
    ]

    assert ["mnt:[7]", "cgroup:[8]"] == [event.stdin_path for event in events[:2]]
    assert "mnt" not in events[2].stdin_path


def test_memfd_is_memory_only_and_has_no_name_left():
    """memfd and deleted are told apart from an unlinked file."""
    memfd = PROGRAM | {"nlink": 0, "flags": layout.FILE_DETACHED}
    in_memory = decode(exec_frame(texts={"pathname": b"memfd:x\0"}, file=memfd))
    unlinked = decode(exec_frame(file=PROGRAM | {"nlink": 0}))

    assert (True, True) == (in_memory.memfd, in_memory.deleted)
    assert (False, True) == (unlinked.memfd, unlinked.deleted)


def test_text_gives_its_bytes_back():
    """Bytes that are no UTF-8 survive in str."""
    event = decode(exec_frame(texts={"argv": b"\xff\xc3\xa9\0"}))

    assert b"\xff\xc3\xa9" == os.fsencode(event.argv[0])


def test_comm_ends_at_its_nul():
    """What lies behind the NUL in the kernel's buffer is no part of the name."""
    assert "ab" == decode(exec_frame(comm=b"ab\0garbage")).comm


def test_fork_frame_becomes_a_fork():
    """Who made whom, and when."""
    event = decode(fork_frame(parent_pid=42, child_pid=43, child_tid=43, start_boot_ns=9, parent_process_pid=1))

    assert isinstance(event, Fork)
    assert (42, 43, 43, 9, 1) == (
        event.parent_pid,
        event.child_pid,
        event.child_tid,
        event.start_time,
        event.parent_process_pid,
    )


@pytest.mark.parametrize(
    ("status", "facts"),
    [
        (0x0300, (3, 0, False)),
        (0x000F, (0, 15, False)),
        (0x008B, (0, 11, True)),
        (0xFF00, (255, 0, False)),
    ],
)
def test_exit_status_is_taken_apart_as_wait_does(status, facts):
    """Exit code, signal and core flag agree with the os module's reading of the same status."""
    event = decode(exit_frame(status=status, flags=layout.EXIT_GROUP))

    assert isinstance(event, Exit)
    assert facts == (event.exit_code, event.signal_code, event.core_dumped)
    assert os.waitstatus_to_exitcode(status) == (event.exit_code or -event.signal_code)


def test_exit_frame_carries_usage():
    """Memory in bytes, duration since the fork."""
    event = decode(exit_frame(max_rss_pages=3, rchar=1, wchar=2, read_bytes=3, write_bytes=4))

    assert (3 * mmap.PAGESIZE, 4_000) == (event.max_rss, event.duration)
    assert (1, 2, 3, 4) == (event.rchar, event.wchar, event.read_bytes, event.write_bytes)


@pytest.mark.parametrize(
    ("utime", "stime", "runtime", "times"),
    [(0, 0, 90, (90, 0)), (0, 5, 90, (0, 90)), (5, 0, 90, (90, 0)), (1, 2, 90, (30, 60))],
)
def test_run_time_is_shared_out_as_the_ticks_fell(utime, stime, runtime, times):
    """User and system time add up to the scheduler's exact sum."""
    event = decode(exit_frame(utime_ns=utime, stime_ns=stime, runtime_ns=runtime))

    assert times == (event.user_time, event.system_time)


def test_errors_say_where():
    """Offset and length are in the error, for whoever looks at the bytes."""
    with pytest.raises(DecodeError, match=r"at byte 0 of 3") as caught:
        decode(b"abc")

    assert (0, 3) == (caught.value.offset, caught.value.size)


WHOLE = [exec_frame(texts={"argv": b"p\0q\0"}), fork_frame(), exit_frame(), failed_frame()]


@pytest.mark.parametrize("frame", WHOLE)
def test_a_frame_cut_anywhere_is_an_error(frame):
    """No prefix of a frame decodes."""
    for size in range(len(frame)):
        with pytest.raises(DecodeError):
            decode(frame[:size])


def test_texts_longer_than_their_frame_are_an_error():
    """Also where nothing is left of it for the texts before them."""
    frame = bytearray(exec_frame(texts={"cmdpath": b"", "interp": b"", "pathname": b""}))
    frame[layout.offset_in_exec("argv")] = 1

    with pytest.raises(DecodeError):
        decode(bytes(frame))


@pytest.mark.parametrize("frame", WHOLE)
def test_a_frame_with_something_behind_it_is_an_error(frame):
    """What is not accounted for is not ignored, even if the length says it belongs."""
    longer = bytearray(frame + b"x")
    longer[16:20] = len(longer).to_bytes(4, "little")

    with pytest.raises(DecodeError):
        decode(bytes(longer))


@given(st.binary(max_size=1200))
def test_any_bytes_are_an_event_or_a_decode_error(raw):
    """Nothing else is ever raised."""
    with suppress(DecodeError):
        assert isinstance(decode(raw), Event)


@given(st.sampled_from(WHOLE), st.data())
def test_any_damage_to_a_frame_is_an_event_or_a_decode_error(frame, data):
    """Numbers, flags, lengths and texts may be anything."""
    damaged = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(20, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DecodeError):
        assert isinstance(decode(bytes(damaged)), Event)


def test_credentials_before_the_exec():
    """They stand beside those after it, so a change of privilege is seen."""
    event = decode(exec_frame(before=(0b101, 1000, 100), euid=0))

    assert (0b101, 1000, 100, 0) == (event.prev_cap_effective, event.prev_euid, event.prev_egid, event.euid)


def test_a_script_is_told_beside_its_interpreter():
    """Its identity is its own; a program that runs by itself has none."""
    event = decode(exec_frame(texts={"script_pathname": b"s\0home\0"}, script=PROGRAM | {"inode": 14}))
    alone = decode(exec_frame())

    assert ("/home/s", os.makedev(8, 1), 14, 3_000_000_004) == (
        event.script_pathname,
        event.script_dev,
        event.script_inode,
        event.script_ctime,
    )
    assert [None] * 4 == [alone.script_pathname, alone.script_dev, alone.script_inode, alone.script_ctime]


@pytest.mark.parametrize(("flags", "upper"), [(0, False), (layout.FILE_UPPER, True)])
def test_upper_layer_is_told_on_an_overlay_only(flags, upper):
    """Elsewhere there is no such layer."""
    assert upper == decode(exec_frame(file=PROGRAM | {"fs_magic": OVERLAYFS, "flags": flags})).upper_layer
    assert decode(exec_frame(file=PROGRAM)).upper_layer is None


@pytest.mark.parametrize(("raw", "path"), [(b"", "/"), (b"x.service\0system.slice\0", "/system.slice/x.service")])
def test_cgroup_is_a_path_from_the_root(raw, path):
    """As /proc/PID/cgroup has it."""
    assert path == decode(exec_frame(texts={"cgroup": raw})).cgroup


def test_a_repaired_exec_does_not_know_what_execve_was_given():
    """What only the record had is None; the rest is there."""
    event = decode(exec_frame(flags=layout.EXEC_REPAIRED))

    assert (True, "/p") == (event.repaired, event.pathname)
    assert [None] * 4 == [event.argc, event.envc, event.old_tid, event.secureexec]


@pytest.mark.parametrize(("flags", "executed"), [(0, True), (layout.EXEC_REPAIRED | layout.EXEC_UNEXECUTED, False)])
def test_a_living_task_may_not_have_executed_anything(flags, executed):
    """Then what it runs is its creator's."""
    assert executed == whatran_decode.executed(exec_frame(flags=flags))


def test_failed_frame_becomes_a_failed_exec():
    """Path, arguments and the reason."""
    event = decode(failed_frame(b"./x\0", b"x\0\0y\0", error=13))

    assert isinstance(event, ExecFailed)
    assert ("./x", ["x", "", "y"], 13) == (event.cmdpath, event.argv, event.errno)
    assert ({}, []) == (event.truncated, event.unreadable)


def test_what_a_failed_exec_could_not_read_is_flagged():
    """Arguments that are cut say so; those that were not in memory are unknown."""
    assert {"argv": 3} == decode(failed_frame(argv=b"p\0", full=3)).truncated
    lost = decode(failed_frame(unread=1 << 6 | 1))

    assert (None, None, ["cmdpath", "argv"]) == (lost.cmdpath, lost.argv, lost.unreadable)
