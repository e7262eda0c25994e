"""Made-up builds, as events."""

from tests.events import MS, make_exec, make_exit, make_failed, make_fork, make_gap

ROOT = {"creator_pid": 10, "creator_start_time": MS, "ppid": 10, "ppid_start_time": MS, "ppid_comm": "make"}


def process(argv, pid, start, end, code=0, *, of=(10, MS), execs=(), signal_code=0, **given):
    """A process from its fork to its end, that executes `argv`, and then others each at its time."""
    creator = {"creator_pid": of[0], "creator_start_time": of[1], "ppid": of[0], "ppid_start_time": of[1]}
    events = [make_fork(pid, child_start=start * MS, pid=of[0], start=of[1], at=start * MS)]
    if argv:
        events.append(make_exec(argv, pid=pid, start=start * MS, at=(start + 1) * MS, **creator | given))
    events += [
        make_exec(then, pid=pid, start=start * MS, at=(start + later) * MS, **creator | given) for later, then in execs
    ]
    ended = {"signal_code": signal_code, "core_dumped": bool(signal_code)}
    if end is not None:
        events.append(make_exit(code, pid=pid, start=start * MS, at=end * MS, **creator | ended))
    return events


def build():
    """A make with all that a page has a mark for."""
    root = {"uid": 1000, "user": "alice", "euid": 1000, "prev_euid": 1000}
    www = {"uid": 33, "euid": 33, "prev_euid": 33, "user": "www-data"}
    return [
        make_exec(("make", "-j2"), pid=10, start=MS, at=MS, **root),
        *process(
            ("sh", "-c", "exec env cc"), 11, 5, 80, execs=[(10, ("env", "cc")), (20, ("cc", "-c", "main.c"))], **root
        ),
        *process(("cc1", "main.c"), 12, 30, 70, of=(11, 5 * MS), **root),
        *process(("segv", "--now"), 13, 20, 40, signal_code=11, **root),
        *process(("grep", "x"), 14, 30, 50, 2, **root),
        *process(("sudo", "id"), 15, 32, 51, **root | {"euid": 0, "secureexec": True}),
        *process(("nginx", "-g", "daemon off;"), 16, 60, None, **www),
        *process((), 17, 62, 70, 127),
        make_failed("/usr/bin/nosuch", pid=10, start=MS, at=45 * MS),
        make_gap(60 * MS, since=52 * MS, count=12),
        make_exit(2, pid=10, start=MS, at=100 * MS),
    ]


def large(processes):
    """So many processes: a make, and below it shells, each with a compiler; every hundredth fails."""
    yield make_exec(("make",), pid=1, start=MS, at=MS)
    for number in range(1, processes, 2):
        start = number * MS
        shell = (number + 1, start)
        yield from process(("sh", "-c", str(number)), shell[0], number, None, of=(1, MS))
        if number + 1 < processes:
            yield from process(("cc", f"{number}.c"), number + 2, number + 1, number + 9, number % 100 == 1, of=shell)
        yield make_exit(0, pid=shell[0], start=start, at=start + 20 * MS)
    yield make_exit(0, pid=1, start=MS, at=(processes + 50) * MS)
