"""Hand-built frames, as the kernel program would write them."""

from whatran.wire import layout

HEAD = {"sequence": 1, "time_boot_ns": 5_000, "cpu": 1, "unread": 0}
TASK = {name: b"" if code == "16s" else 0 for name, code in layout.TASK} | {
    "start_boot_ns": 1_000,
    "pid": 42,
    "tid": 42,
    "loginuid": 0xFFFFFFFF,
    "audit_session": 0xFFFFFFFF,
    "comm": b"prog",
    "ppid_comm": b"sh",
}
FILE = dict.fromkeys((name for name, _ in layout.FILE_ID), 0)
PROGRAM = FILE | {"inode": 11, "ctime_sec": 3, "ctime_nsec": 4, "dev": 8 << 20 | 1, "mode": 0o100755, "nlink": 1}
NO_FILE = FILE


def exec_frame(
    *,
    texts=None,
    full=None,
    file=PROGRAM,
    interpreter=NO_FILE,
    script=NO_FILE,
    stdin=NO_FILE,
    flags=0,
    unread=0,
    prev_comm=b"sh",
    argc=1,
    more=(0, 0),
    before=(0, 0, 0),
    head=None,
    **task,
):
    """An exec frame with these texts (name → raw bytes) and, where they were cut, their full lengths."""
    tail = dict.fromkeys(layout.TEXTS, b"") | {"cmdpath": b"/p\0", "interp": b"/p\0", "pathname": b"p\0"}
    tail |= texts or {}
    lengths = []
    for name in layout.TEXTS:
        lengths += [len(tail[name]), (full or {}).get(name, len(tail[name]))]
    body = [
        *before,
        *file_id(file),
        *file_id(interpreter),
        *file_id(script),
        *file_id(stdin),
        *lengths,
        *more,
        argc,
        0,
        42,
        flags,
        prev_comm,
    ]
    return _frame(
        layout.EXEC, layout.EXEC_STRUCT, body, b"".join(tail.values()), head={"unread": unread} | (head or {}), **task
    )


def failed_frame(cmdpath=b"/p\0", argv=b"p\0", *, full=None, error=2, unread=0, head=None, **task):
    """An execve that returned an error; `full` is the length of all of argv."""
    sizes = [len(cmdpath), len(cmdpath), len(argv), len(argv) if full is None else full]
    body = [*sizes, argv.count(b"\0"), error]
    return _frame(
        layout.FAILED, layout.FAILED_STRUCT, body, cmdpath + argv, head={"unread": unread} | (head or {}), **task
    )


def fork_frame(*, head=None, start_boot_ns=0, **rest):
    rest["start_boot_ns"] = start_boot_ns
    return _frame(layout.FORK, layout.FORK_STRUCT, [rest.get(name, 0) for name, _ in layout.FORK_REST], head=head)


def exit_frame(*, head=None, tid=42, pid=42, start_boot_ns=1_000, **rest):
    values = [rest.get(name, 0) for name, _ in layout.EXIT_REST]
    task = {"tid": tid, "pid": pid, "start_boot_ns": start_boot_ns}
    return _frame(layout.EXIT, layout.EXIT_STRUCT, values, head=head, **task)


def file_id(file):
    return [file[name] for name, _ in layout.FILE_ID]


def _frame(kind, struct, body, tail=b"", *, head=None, **task):
    filled = HEAD | {"bytes": struct.size + len(tail), "kind": kind} | (head or {})
    return struct.pack(*(filled[name] for name, _ in layout.FRAME), *(TASK | task).values(), *body) + tail


def text_frame(text, offset, data, *, cpu=1, exec_sequence=1):
    """More of an exec's argv or env."""
    size = layout.TEXT_STRUCT.size + len(data)
    head = HEAD | {"bytes": size, "kind": layout.TEXT, "cpu": cpu}
    fields = (*(head[name] for name, _ in layout.FRAME), exec_sequence, offset, text)
    return layout.TEXT_STRUCT.pack(*fields) + data
