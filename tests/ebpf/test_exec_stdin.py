"""What descriptor 0 of a program is, as the program itself finds it."""

import os
import socket

import pytest

from .programs import opened, pty, stdin_is
from .truth import assert_exec_matches, execs, only


def executed_with_stdin(run_told, programs, descriptor):
    """The Exec of a witness that has the descriptor as its stdin, and what it said."""
    with stdin_is(descriptor):
        completed, [witness] = run_told([programs / "witness"])
    return only(execs(completed.events)), witness


@pytest.mark.parametrize("path", ["/dev/null", "/etc/passwd", "/", "/proc/self/status"])
def test_named_file(run_told, programs, path):
    """A device, a file and a directory are known by their type and path."""
    with opened(path) as descriptor:
        event, witness = executed_with_stdin(run_told, programs, descriptor)

    assert_exec_matches(event, witness)


def test_terminal(run_told, programs):
    """A terminal is a character device with a path below /dev/pts."""
    with pty() as (_, slave):
        event, witness = executed_with_stdin(run_told, programs, slave)
        assert os.ttyname(slave) == event.stdin_path

    assert_exec_matches(event, witness)


def test_pipe(run_told, programs):
    """A pipe is pipe:[INODE]."""
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb"):
        event, witness = executed_with_stdin(run_told, programs, reader)
        assert f"pipe:[{os.fstat(reader).st_ino}]" == event.stdin_path

    assert_exec_matches(event, witness)


def test_fifo(run_told, programs, place):
    """A named pipe has the type of a pipe and a path."""
    os.mkfifo(place / "fifo")
    with opened(place / "fifo", os.O_RDWR) as descriptor:
        event, witness = executed_with_stdin(run_told, programs, descriptor)

    assert_exec_matches(event, witness, stdin_path=str(place / "fifo"))


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_INET], ids=["unix", "inet"])
def test_socket(run_told, programs, family):
    """A socket is socket:[INODE]."""
    with socket.socket(family) as unconnected:
        event, witness = executed_with_stdin(run_told, programs, unconnected.fileno())
        assert f"socket:[{os.fstat(unconnected.fileno()).st_ino}]" == event.stdin_path

    assert_exec_matches(event, witness)


def test_anonymous_inode(run_told, programs):
    """What is no file at all, as an eventfd, has no file type, as fstat(2) says."""
    descriptor = os.eventfd(0)
    try:
        event, witness = executed_with_stdin(run_told, programs, descriptor)
    finally:
        os.close(descriptor)

    assert_exec_matches(event, witness, stdin_type=0, stdin_path="anon_inode:[eventfd]")


def test_namespace(run_told, programs):
    """A namespace is of the kind and number that /proc shows."""
    with opened("/proc/self/ns/uts") as descriptor:
        event, witness = executed_with_stdin(run_told, programs, descriptor)

    assert_exec_matches(event, witness)


def test_memfd(run_told, programs):
    """A memfd is a regular file named as memfds are everywhere here."""
    descriptor = os.memfd_create("input")
    try:
        event, witness = executed_with_stdin(run_told, programs, descriptor)
    finally:
        os.close(descriptor)

    assert_exec_matches(event, witness, stdin_path="memfd:input")


def test_deleted_file(run_told, programs, place):
    """A file that was removed has the path it had, without the "(deleted)" of /proc, which could be part of a name."""
    path = place / "gone"
    path.touch()
    with opened(path) as descriptor:
        path.unlink()
        event, witness = executed_with_stdin(run_told, programs, descriptor)

    assert_exec_matches(event, witness, stdin_path=str(path))


def test_closed(run_told, programs):
    """Where descriptor 0 is closed, type and path are None."""
    completed, [witness] = run_told(["/bin/sh", "-c", 'exec "$0" <&-', programs / "witness"])

    assert_exec_matches(only(execs(completed.events, comm="witness")), witness, stdin_type=None, stdin_path=None)


def test_closed_on_exec(run_told, programs):
    """A descriptor 0 that the exec itself closes is closed, as the program finds it."""
    command = "import fcntl, os, sys; fcntl.fcntl(0, fcntl.F_SETFD, fcntl.FD_CLOEXEC); os.execv(sys.argv[1], ['x'])"
    with opened("/dev/null") as descriptor, stdin_is(descriptor):
        completed, [witness] = run_told(["/usr/bin/env", "python3", "-c", command, programs / "witness"])

    assert_exec_matches(only(execs(completed.events, comm="witness")), witness, stdin_type=None, stdin_path=None)
