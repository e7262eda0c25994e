"""Every byte of a frame is one that it is about: nothing of what lay in the kernel's memory before is in it.

All memory that frames are made in, and the ring they pass through, is filled with a byte first, by programs whose every
text is long and full of it. What is told after that of others has none of it, and is what it should be to the byte.
"""

import contextlib
import ctypes
import mmap
import os
import signal
import subprocess

import pytest

import whatran
from whatran.wire import layout

from .programs import script
from .test_exec_file import loader_of

BYTE = b"\xa7"
SOME = BYTE * 4
"""By chance this is in no number."""

NAME = BYTE * 200
RING_BYTES = 1 << 20
LONG = BYTE * 50_000
"""More than goes into one frame, as an argument and as a variable."""


def _sizes(names):
    return [(f"{name}.{part}", code) for name in names for part, code in layout.TEXT_SIZE]


FILES = [(f"{name}.{part}", code) for name in layout.FILES for part, code in layout.FILE_ID]
FIELDS = {
    layout.EXEC: (*layout.EXEC_BEFORE, *FILES, *_sizes(layout.TEXTS), *layout.EXEC_REST),
    layout.FORK: layout.FORK_REST,
    layout.EXIT: layout.EXIT_REST,
    layout.FAILED: (*_sizes(layout.FAILED_TEXTS), *layout.FAILED_REST),
}
TEXTS = {layout.EXEC: layout.TEXTS, layout.FAILED: layout.FAILED_TEXTS}


def kind_of(frame):
    """What a frame is about."""
    return layout.FRAME_STRUCT.unpack_from(frame)[4]


def taken_apart(frame):
    """The fields of a frame, in their order, and its texts by name; the texts are all that is behind the fields."""
    kind = kind_of(frame)
    declared = (*layout.FRAME, *layout.TASK, *FIELDS[kind])
    packed = layout.compile_struct(declared)
    fields = [(name, value) for (name, _), value in zip(declared, packed.unpack_from(frame), strict=True)]
    numbers, texts, at = dict(fields), {}, packed.size
    for name in TEXTS.get(kind, ()):
        texts[name] = frame[at : at + numbers[f"{name}.bytes"]]
        at += len(texts[name])
    assert at == len(frame)
    return fields, texts


def unaccounted(frame):
    """The fields that hold anything but what they are for: what is reserved, and what is behind the NUL of a name."""
    return [
        name
        for name, value in taken_apart(frame)[0]
        if (name == "reserved" and value) or (isinstance(value, bytes) and value.partition(b"\0")[2].strip(b"\0"))
    ]


def path(text):
    """A path as a frame has it, leaf first."""
    return b"".join(part + b"\0" for part in reversed(os.fsencode(text).split(b"/")) if part)


def memory(source, name, key, size):
    """A value of a map of the kernel program."""
    value = ctypes.create_string_buffer(size)
    found = source._libbpf.bpf_map_lookup_elem(
        source._libbpf.bpf_map__fd(source._find_map(name)), ctypes.byref(ctypes.c_uint32(key)), value
    )
    assert found == 0
    return value.raw


def ring(source):
    """All that lies in the ring, whether it was read or not."""
    return source._ring._kernels[mmap.PAGESIZE : mmap.PAGESIZE + RING_BYTES]


def start(program, argv, env=None, *, cwd="/", stdin="/dev/null", uid=0):
    """Executes a program in a child, or fails to; its pid."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.chdir(cwd)
            os.dup2(os.open(stdin, os.O_RDONLY), 0)
            os.setresuid(uid, uid, uid)
            os.execve(program, argv, env or {})
        os._exit(1)
    return pid


def run(*given, **options):
    """Starts a program and waits for its end; its pid."""
    pid = start(*given, **options)
    os.waitpid(pid, 0)
    return pid


@pytest.fixture(name="cpus")
def _cpus():
    """The CPUs there are; afterwards all may be used again."""
    before = os.sched_getaffinity(0)
    yield sorted(before)
    os.sched_setaffinity(0, before)


@pytest.fixture(name="deep")
def _deep(place, programs):
    """A directory as deep as a path may be, of names that are full of the byte, with a program and a script in it."""
    where = os.fsencode(place)
    while len(where) + len(NAME) + 40 < 4096:
        os.mkdir(where := where + b"/" + NAME)
    os.symlink(programs / "true", where + b"/" + BYTE * 15)
    subprocess.run(["cp", programs / "true", where + b"/program"], check=True)
    with open(os.open(where + b"/script", os.O_WRONLY | os.O_CREAT, 0o755), "wb") as file:
        file.write(b"#!" + os.fsencode(place) + b"/" + NAME[:60] + b"\n")
    os.symlink(programs / "true", os.fsencode(place) + b"/" + NAME[:60])
    return where


def fill(source, deep, cpus):
    """Has the memory of each CPU and all of the ring filled; the frames of that."""
    frames = []
    begun = source._ring.taken
    while source._ring.taken < begun + 3 * RING_BYTES:
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            for program in (b"/program", b"/script", b"/" + BYTE * 15, b"/" + NAME):
                run(deep + program, [LONG], {b"V": LONG}, cwd=deep, stdin=deep + b"/script")
                frames += source.read()
    return frames


def filled(source, cpus):
    """How much of each memory that frames are made in, and of the ring, is the byte: the least of all."""
    exec_bytes = 3 * layout.EXEC_STRUCT.size + (64 << 10)
    failed_bytes = layout.FAILED_STRUCT.size + (32 << 10)
    scratch = [memory(source, b"scratches", cpu + 1, 1 << 20)[:exec_bytes] for cpu in cpus]
    failures = [memory(source, b"failures", 2 * cpu, 1 << 20)[:failed_bytes] for cpu in cpus]
    return min(each.count(BYTE) / len(each) for each in (*scratch, *failures, ring(source)))


OTHER_UID = 54321


def told_of(pids, frames):
    """The frames of these processes: that they were made, what they execute and fail to, that they end."""
    found = []
    for frame in frames:
        fields = {} if kind_of(frame) == layout.TEXT else dict(taken_apart(frame)[0])
        if fields.get("child_pid", fields.get("pid")) in pids:
            found.append((fields, frame))
    return found


def cgroup():
    """The path that an exec has of ours: that of the v2 hierarchy; where it is the root, of v1's pids controller."""
    with open("/proc/self/cgroup", "rb") as file:
        lines = [line.split(b":", 2) for line in file.read().split(b"\n")[:-1]]
    found = {controllers: name for _, controllers, name in lines}
    return found[b""] if found.get(b"", b"/") != b"/" else found.get(b"pids", b"/")


@pytest.mark.usefixtures("failed_execs")
def test_frames_have_nothing_of_what_was_there_before(programs, place, deep, cpus):
    """Neither texts of other programs nor bytes of the ring: each byte is a field's or a text's, and as is expected."""
    true, dynamic = str(programs / "true"), str(programs / "storm")
    named = script(place / "s", true)
    own = {"stdin_path": path("/dev/null"), "cwd": b"", "cgroup": path(cgroup()), "interpreter_pathname": b""}
    own |= {"pathname": path(true), "script_pathname": b"", "env": b"A=1\0"}
    loader = path(os.path.realpath(loader_of(dynamic)))
    expected, frames = {}, []
    with whatran.watch(tree=[os.getpid()], uid=[0], env=True, failed="all", ring_bytes=RING_BYTES) as watched:
        source = watched._source
        noise = fill(source, deep, cpus)
        full = filled(source, cpus)
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            for program, argv, texts in (
                (true, ["x", "", "yz"], {"argv": b"x\0\0yz\0"}),
                (dynamic, ["storm"], {"argv": b"storm\0", "pathname": path(dynamic), "interpreter_pathname": loader}),
                (str(named), ["s"], {"argv": os.fsencode(f"{true}\0{named}\0"), "script_pathname": path(str(named))}),
                (true, ["b" * 70_000], {"argv": b"b" * (32 << 10)}),
            ):
                called = {"cmdpath": os.fsencode(program) + b"\0", "interp": os.fsencode(program) + b"\0"}
                if program == str(named):
                    called["interp"] = os.fsencode(true) + b"\0"
                expected[run(program, argv, {"A": "1"})] = own | called | texts
                short = dict.fromkeys(layout.TEXTS, b"") | {"cmdpath": called["cmdpath"]}
                expected[run(program, argv, {"A": "1"}, uid=OTHER_UID)] = short
            expected[run("/nowhere/x", ["n", ""], {})] = {"cmdpath": b"/nowhere/x\0", "argv": b"n\0\0"}
        for batch in source.drain():
            frames += batch

    assert set(layout.KINDS) == {kind_of(frame) for frame in noise if SOME in frame} | {layout.FORK, layout.EXIT}
    assert full > 0.9
    of_them = told_of(expected, frames)
    assert {(pid, kind) for pid in expected for kind in (layout.FORK, layout.EXIT)} <= {
        (fields.get("child_pid", fields["pid"]), kind_of(frame)) for fields, frame in of_them
    }
    told = [(fields["pid"], taken_apart(frame)[1]) for fields, frame in of_them if kind_of(frame) in TEXTS]
    assert sorted(expected.items()) == sorted(told)
    parts = [frame[layout.TEXT_STRUCT.size :] for frame in frames if kind_of(frame) == layout.TEXT]
    assert {b"b"[0], 0} == set(b"".join(parts))
    assert [] == [kind_of(frame) for frame in frames if SOME in frame]
    assert [] == [name for _, frame in of_them for name in unaccounted(frame)]


def test_processes_that_live_have_nothing_of_others(programs, deep):
    """All are told of from the same memory, one after another."""
    sleep = os.path.realpath("/bin/sleep")
    subprocess.run(["cp", sleep, deep + b"/sleep"], check=True)
    pids = []
    try:
        pids.append(start(deep + b"/sleep", ["sleep", "100"], cwd=deep, stdin=deep + b"/script"))
        pids.append(start(sleep, ["sleep", "100"]))
        with whatran.watch(pid=pids, env=True) as watched:
            for pid, program in zip(pids, (deep + b"/sleep", os.fsencode(sleep)), strict=True):
                while os.readlink(b"/proc/%d/exe" % pid) != program:
                    os.sched_yield()
            found = {fields["pid"]: frame for fields, frame in told_of(pids, watched._source.tasks())}
            before = memory(watched._source, b"scratches", 0, 1 << 20)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    assert SOME in found[pids[0]]
    assert SOME in before
    assert SOME not in found[pids[1]]
    assert [[], []] == [unaccounted(frame) for frame in found.values()]
    _, texts = taken_apart(found[pids[1]])
    assert (path(sleep), b"", path("/dev/null"), path(cgroup())) == tuple(
        texts[name] for name in ("pathname", "cwd", "stdin_path", "cgroup")
    )


def test_what_another_was_before_is_told_of_nobody(programs, cpus):
    """Where the place for what a task was before its exec has another's, that is unknown, and no byte of it is told."""
    os.sched_setaffinity(0, {cpus[0]})
    with whatran.watch(tree=[os.getpid()]) as watched:
        source = watched._source
        source._libbpf.bpf_link__destroy(source._links.pop(0))  # of what notes that
        befores = source._libbpf.bpf_map__fd(source._find_map(b"befores"))
        for place in range(4096):
            key, another = ctypes.c_uint32(place), BYTE * 40
            assert source._libbpf.bpf_map_update_elem(befores, ctypes.byref(key), another, 0) == 0
        pid = run(str(programs / "true"), ["true"])
        [(fields, frame)] = [
            each for batch in source.drain() for each in told_of([pid], batch) if kind_of(each[1]) == layout.EXEC
        ]

    assert fields["unread"] & 1 << 8
    assert (bytes(16), 0, 0, 0) == tuple(
        fields[name] for name in ("prev_comm", "prev_cap_effective", "prev_euid", "prev_egid")
    )
    assert SOME not in frame


def test_what_a_task_was_before_an_earlier_exec_is_not_told(programs, place):
    """Where the kernel left out what notes that for this exec, what is there of the one before is none of it."""
    fifo, shell = place / "fifo", os.path.realpath("/bin/sh")
    os.mkfifo(fifo)
    with whatran.watch(tree=[os.getpid()]) as watched:
        source = watched._source
        pid = start(shell, ["sh", "-c", f"read line; exec {programs}/true"], stdin=fifo)
        with open(fifo, "wb") as go:
            while os.readlink(f"/proc/{pid}/exe") != shell:
                os.sched_yield()
            source._libbpf.bpf_link__destroy(source._links.pop(0))
            go.write(b"\n")
        os.waitpid(pid, 0)
        told = [
            taken_apart(frame)[0]
            for batch in source.drain()
            for _, frame in told_of([pid], batch)
            if kind_of(frame) == layout.EXEC
        ]

    first, second = map(dict, told)
    assert (0, 1 << 8) == (first["unread"] & 1 << 8, second["unread"] & 1 << 8)
    assert [True, False] == [any(each["prev_comm"]) for each in (first, second)]
