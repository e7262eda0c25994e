"""A number is a pid where it is one of a process that is near."""

from tests.diff.recorded import BASE, executions, ran
from whatran.diff.normalise import normalise
from whatran.diff.pids import MAX_ABOVE


def arguments(left, right):
    """The last argument of each command of either recording."""
    (one, other), _ = normalise(left, right, {"pid"})
    return tuple([it.argv[-1] for it in side.all[1:]] for side in (one, other))


def test_who_is_near():
    """The process itself, whoever made it, and a child that these have then, as a shell's $$, $PPID and $!."""
    left = executions(
        ran("sh"),
        ran("x", f"{BASE + 2}", of=0),
        ran("x", f"{BASE + 1}", of=0),
        ran("x", f"{BASE}", of=0),
        ran("server", of=0),
        ran("kill", f"{BASE + 5}", of=0),
    )

    assert ["sh", "PID", "PID", "PID", "server", "PID"] == arguments(left, executions())[0]


def test_who_is_not():
    """A child that has ended, one that is to come, and one of somebody else."""
    left = executions(
        ran("server", until=2),
        ran("sh"),
        ran("kill", f"{BASE + 1}", of=1),
        ran("kill", f"{BASE + 6}", of=1),
        ran("server", of=1),
        ran("kill", f"{BASE + 5}"),
    )

    assert [f"{BASE + number}" for number in (1, 6, 5)] == [
        argument for argument in arguments(left, executions())[0] if argument.isdecimal()
    ]


def test_a_small_number_may_be_more_than_a_pid():
    """Where pids are small, -O2 of process 2 is none: other processes and the other recording have it too."""
    left = executions(("cc", "-O2"), ("cc", "-O2"), base=1)
    right = executions(("cc", "-O2"), ("cc", "-O2"), base=7)

    assert (["-O2", "-O2"], ["-O2", "-O2"]) == arguments(left, right)


def test_the_same_pid_in_both():
    """Pids come again; a name with it is then the same by chance, and stays what it is."""
    left = executions(("rm", f"conf{BASE}"), ("rm", f"conf{BASE}.c"))
    right = executions(("rm", f"conf{BASE}"), ("rm", f"conf{BASE}.c"))

    assert (["confPID", "confPID.c"],) * 2 == arguments(left, right)


def test_a_number_in_a_longer_one_is_none():
    """Only whole numbers are pids."""
    left = executions(("x", f"{BASE}0"), ("x", f"1{BASE}"), ("x", f"0{BASE}"))

    assert [f"{BASE}0", f"1{BASE}", f"0{BASE}"] == arguments(left, executions())[0]


def test_chains_can_be_long():
    """So far up, and no further, is looked for a pid."""

    def chain(length):
        commands = [ran("sh", of=number - 1 if number else None) for number in range(length)]
        return executions(*commands, ran("x", f"{BASE}", of=length - 1))

    assert "PID" == arguments(chain(MAX_ABOVE - 2), executions())[0][-1]
    assert f"{BASE}" == arguments(chain(MAX_ABOVE), executions())[0][-1]
