from tests.diff.recorded import BASE, executions, ran, recorded
from tests.events import BOOT, MS, WALL, S, make_exec, make_exit, make_fork
from whatran.diff.executions import EXECUTED, RUNNING, UNKNOWN, gather
from whatran.process.lives import Lives


def lives_of(*events):
    """All lives of these events."""
    lives = Lives()
    return [*(life for event in events for life in lives(event)), *lives.finish()]


def test_what_a_recording_ran():
    """Each program that a process executed is one execution, with who made the process, its end and its price."""
    found = executions(("sh", "-c", "cc a.c"), ran("cc", "a.c", of=0, status=1))

    assert ["/usr/bin/make", "/usr/bin/sh", "/usr/bin/cc"] == [it.program for it in found.all]
    assert [("make",), ("sh", "-c", "cc a.c"), ("cc", "a.c")] == [it.argv for it in found.all]
    assert [(), ("make",), ("make", "sh")] == [it.creators for it in found.all]
    assert ["0", "0", "1"] == [it.end for it in found.all]
    assert [3 * MS - 1, 2 * MS - 1, MS - 1] == [it.duration for it in found.all]
    assert [3 * MS] * 3 == [it.cpu_time for it in found.all]
    assert (3, 0, found.all[0]) == (found.processes, found.missing, found.root)
    assert (WALL + 10 * S, WALL + 10 * S + 3 * MS) == (found.since, found.until)


def test_a_process_that_executes_again():
    """All but its last program end by the next, at that time; what the process used is the last one's."""
    first, second = gather(
        lives_of(
            make_exec(("sh",), pid=1, start=10, at=20),
            make_exec(("make",), pid=1, start=10, at=50),
            make_exit(2, pid=1, start=10, at=90),
        )
    ).all

    assert (EXECUTED, 30, 0) == (first.end, first.duration, first.cpu_time)
    assert ("2", 40, 3 * MS) == (second.end, second.duration, second.cpu_time)


def test_what_could_not_be_executed():
    """It is an execution that ends with the reason, made by who tried."""
    *_, failed = executions(ran("env", "nosuch", failure="/usr/bin/nosuch")).all

    assert ("/usr/bin/nosuch", ("nosuch",), "ENOENT") == (failed.program, failed.argv, failed.end)
    assert ("make", "env") == failed.creators


def test_who_only_forks_made_nothing():
    """A subshell is not named among the creators, as it has the name of its shell."""
    found = gather(
        lives_of(
            make_exec(("sh",), pid=1, start=10, at=11),
            make_fork(2, child_start=20, pid=1, start=10),
            make_fork(3, child_start=30, pid=2, start=20),
            make_exec(("ls",), pid=3, start=30, at=31),
        )
    )

    assert (("sh",), 3) == (found.all[1].creators, found.processes)


def test_how_a_process_goes_on():
    """One that had not ended is running; of one whose pid another has the end is unknown."""
    found = gather(lives_of(make_exec(pid=1, start=10, at=11), make_exec(pid=1, start=20, at=21)))

    assert [UNKNOWN, RUNNING] == [it.end for it in found.all]


def test_only_another_user_is_named():
    """What the command's own user runs is nobody's in particular, so that other users can run the same."""
    found = executions(ran("a", uid=1000, euid=1000, user="ann"), ran("b"), ran("c", euid=33))

    assert ["root", "ann", "", "root (euid 33)"] == [it.user for it in found.all]


def test_a_machine_has_no_command():
    """Where several processes were made by none of the others there is no root, and every user is named."""
    found = gather([*recorded(base=BASE), *recorded(base=BASE + 100, start=11 * S)])

    assert (None, ["root", "root"]) == (found.root, [it.user for it in found.all])


def test_what_was_there_before_ran_nothing():
    """A creator that is older than the recording is known, and counts for no process."""
    found = gather(
        lives_of(
            make_fork(2, child_start=20, pid=1, start=10, comm="bash"),
            make_exec(("ls",), pid=2, start=20, at=21),
        )
    )

    assert ({(BOOT.id, 1, 10), (BOOT.id, 2, 20)}, 1, ("bash",)) == (
        set(found.known),
        found.processes,
        found.all[0].creators,
    )


def test_what_is_missing_is_counted():
    """Execs that were lost, by the numbers that the kernel gives them."""
    found = gather(
        lives_of(
            make_exec(("a",), pid=1, start=10, at=11, exec_id=3), make_exec(("b",), pid=1, start=10, at=12, exec_id=6)
        )
    )

    assert 2 == found.missing


def test_nothing_ran():
    """A recording may be empty."""
    assert ((), None, 0) == ((found := gather([])).all, found.root, found.processes)
