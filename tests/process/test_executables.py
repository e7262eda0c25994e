"""Who started whom, by executables."""

from tests.events import MS, make_exec, make_exit, make_fork
from whatran.process.executables import MAX_ABOVE, MAX_DEPTH, Executables


def parents(events, executables=None):
    """Those of each exec."""
    executables = executables or Executables()
    return [process.parents for event in events if (process := executables(event))]


def test_parents_are_those_of_the_fork():
    """What a parent executes later is not what started its child."""
    events = [
        make_exec(("sh",)),
        make_fork(101),
        make_exec(("make",), at=103 * MS),
        make_exec(("ls",), pid=101, start=102 * MS),
    ]

    assert ("/usr/bin/sh", "comm:init") == parents(events)[-1]


def test_a_subshell_is_no_parent():
    """Who has executed nothing stands for whoever made it."""
    events = [
        make_exec(("sh",)),
        make_fork(101),
        make_fork(102, child_start=103 * MS, pid=101, start=102 * MS),
        make_exec(("ls",), pid=102, start=103 * MS),
    ]

    assert ("/usr/bin/sh", "comm:init") == parents(events)[-1]


def test_processes_that_were_there_before():
    """They are known by their executables too, where somebody tells of them."""
    executables = Executables()
    executables.older(make_exec(("init",), pid=1, start=0, ppid=0, ancestors=()))
    executables.older(make_exec(("sshd",), pid=50, start=MS, ppid=1, ppid_start_time=0))
    events = [make_exec(("ls",), ppid=50, ppid_start_time=MS)]

    assert [("/usr/bin/sshd", "/usr/bin/init")] == parents(events, executables)


def test_those_whose_exits_were_lost():
    """They are forgotten where somebody tells of them; whoever has their pid by now is not."""
    executables = Executables()
    parents([make_exec(pid=pid, start=pid) for pid in (1, 2, 3)], executables)
    executables.forget([(1, 1), (2, 1), (4, 4)])

    assert {2, 3} == executables._living.keys()


def test_a_command_has_no_parents():
    """Who started it is a word, for it and all below it."""
    executables = Executables("<we>")
    events = [make_exec(("sh",)), make_fork(101), make_exec(("ls",), pid=101, start=102 * MS)]

    assert [("<we>",), ("/usr/bin/sh", "<we>")] == parents(events, executables)


def test_who_was_there_before_is_no_command():
    """As in a recording of which the beginning was not kept."""
    executables = Executables("<we>")
    executables.older(make_exec(("sh",)))

    assert [("comm:init",)] == parents([make_exec(("ls",))], executables)


def test_long_chains():
    """Of these the near end is kept."""
    events = [make_exec(("sh",), pid=1000, start=0)]
    for number in range(MAX_ABOVE + 9):
        pid, start = 1001 + number, number + 1
        events += [
            make_fork(pid, child_start=start, pid=pid - 1, start=start - 1),
            make_exec(("x",), pid=pid, start=start),
        ]
    executables = Executables()
    processes = [process for event in events if (process := executables(event))]

    assert (MAX_DEPTH, MAX_ABOVE) == (len(processes[-1].parents), len(processes[-1].above))


def test_pids_that_are_known():
    """Its own, those above and their living children; not those of others, and of nobody who has ended."""
    executables = Executables()
    events = [
        make_exec(("sh",)),
        make_fork(101),
        make_fork(102, child_start=103 * MS),
        make_fork(103, child_start=104 * MS, pid=102, start=103 * MS),
        make_exec(("other",), pid=300, start=1),
    ]
    for event in events:
        executables(event)
    process = executables(make_exec(("ls",), pid=101, start=102 * MS))
    before = [pid for pid in range(90, 400) if executables.is_near(pid, process)]
    executables(make_exit(pid=102, start=103 * MS))

    assert [100, 101, 102] == before
    assert not executables.is_near(102, process)


def test_pids_are_reused():
    """Who has the pid now is another, and an exit that comes late is not its."""
    executables = Executables()
    events = [
        make_exec(("sh",)),
        make_exec(("ls",), start=500 * MS, at=501 * MS, ppid_comm="cron", ancestors=("cron",)),
        make_exit(start=100 * MS, at=502 * MS),
        make_fork(101, child_start=503 * MS, start=500 * MS),
        make_exec(("x",), pid=101, start=503 * MS, at=504 * MS),
    ]

    assert ("/usr/bin/ls", "comm:cron") == parents(events, executables)[-1]
