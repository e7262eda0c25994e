"""A small build, as events: make runs two compilations at once, one of which fails; and odd ones beside it."""

from tests.events import MS, make_exec, make_exit, make_failed, make_fork, make_gap

BYTES = b"caf\xe9".decode("utf-8", "surrogateescape")

# What could do harm as it is: to a terminal, a spreadsheet, an SQL query or a JSON line.
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J",
    "\u202egnp.exe",
    "\x9b31m",
    "=cmd|'/C calc'!A0",
    "+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "'); DROP TABLE execs; --",
    '","x":"y',
    "a\nb,c;d\"e'f",
    "\x7f\x01\u2028",
    "",
    "NULL",
    "<script>alert(1)</script>",
    "🙂" * 40,
)


def _process(pid, start, end, *argvs, creator=100, code=0, **used):
    """Forked at `start`, executed each of these, exited at `end`, all in ms."""
    creator = {"creator_pid": creator, "creator_start_time": 100 * MS}
    key = {"pid": pid, "start": start * MS}
    yield make_fork(pid, child_start=start * MS)
    for number, argv in enumerate(argvs):
        yield make_exec(argv, **key, at=(start + 1 + number) * MS, exec_id=2 + number, **creator)
    comm = argvs[-1][0] if argvs else "sh"
    yield make_exit(code, **key, at=end * MS, comm=comm, exec_id=1 + len(argvs), **creator, **used)


def build():
    """The events, in the order of time."""
    events = [
        make_exec(("make", "-j2"), exec_id=1),
        *_process(101, 110, 200, ("cc", "-c", "a.c"), ("cc1", "a.c"), user_time=70 * MS, max_rss=90 << 20),
        *_process(102, 120, 160, ("cc", "-c", "b.c"), ("cc1", "b.c"), code=1, user_time=30 * MS, max_rss=80 << 20),
        *_process(103, 210, 215, ("cc", "-c", "a.c"), user_time=1 * MS),
        *_process(104, 220, 230, code=2),
        make_exec(("sudo", "id"), pid=105, start=221 * MS, at=222 * MS, uid=1000, prev_euid=1000, euid=0),
        make_exec(("x",), pid=106, start=223 * MS, at=224 * MS, pathname="/tmp/x", deleted=True),
        make_failed("/usr/bin/ccache", at=225 * MS),
        make_failed("/usr/bin/ccache", at=226 * MS, tried=("/bin/ccache",)),
        make_gap(240 * MS, count=3),
        make_exit(2, at=250 * MS, comm="make", user_time=3 * MS),
    ]
    return sorted(events, key=lambda event: event.timestamp_boot)
