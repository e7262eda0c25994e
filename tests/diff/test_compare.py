"""What differs between two recordings, each execution in one place."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diff.recorded import BASE, ran, recorded
from tests.events import S
from whatran.diff import similar
from whatran.diff.compare import MAX_REPLACEMENTS, compare

CC = "/usr/lib/gcc/12/cc1"


def differences(left, right, **given):
    """In short: what kind, how often, what changed, and the arguments of either side."""
    found = compare(recorded(*left), recorded(*right, base=BASE + 1000, start=90 * S), **given).differences
    return [
        (it.kind, it.count, it.changed, *(" ".join(side.argv) if side else None for side in (it.left, it.right)))
        for it in found
    ]


def test_the_same():
    """Whatever the order, the pids and the time."""
    left = [("cc", "-c", "a.c"), ("cc", "-c", "b.c"), ("rm", f"conf{BASE}")]
    right = [("rm", f"conf{BASE + 1000}"), ("cc", "-c", "b.c"), ("cc", "-c", "a.c")]
    found = compare(recorded(*left), recorded(*right, base=BASE + 1000, start=90 * S))

    assert (True, [], 4) == (found.equal, found.differences, found.same)
    assert (4, 4) == (found.left.executions, found.right.executions)


@pytest.mark.parametrize(
    ("expected", "left", "right"),
    [
        (("changed", 1, ["argv"], "cc -O2 a.c", "cc -O3 a.c"), ("cc", "-O2", "a.c"), ("cc", "-O3", "a.c")),
        (("changed", 1, ["argv"], "cc -c a.c", "cc -g -c a.c"), ("cc", "-c", "a.c"), ("cc", "-g", "-c", "a.c")),
        (("changed", 1, ["end"], "check", "check"), ("check",), ran("check", status=1)),
        (("changed", 1, ["end"], "check", "check"), ("check",), ran("check", signal_code=11)),
        (("changed", 1, ["cwd"], "cc a.c", "cc a.c"), ("cc", "a.c"), ran("cc", "a.c", cwd="/src/lib")),
        (("changed", 1, ["user"], "id -u", "id -u"), ("id", "-u"), ran("id", "-u", user="ann", uid=7, euid=7)),
        (
            ("changed", 1, ["program", "argv"], f"{CC} a.c", f"{CC.replace('12', '13')} a.c"),
            ran(CC, "a.c", pathname=CC),
            ran(CC.replace("12", "13"), "a.c", pathname=CC.replace("12", "13")),
        ),
        (
            ("changed", 1, ["program"], "python -V", "python -V"),
            ran("python", "-V", pathname="/usr/bin/python3.11"),
            ran("python", "-V", pathname="/usr/bin/python3.12"),
        ),
        (
            ("changed", 1, ["program", "argv"], "gcc -c a.c -o a.o", "clang -c a.c -o a.o"),
            ("gcc", "-c", "a.c", "-o", "a.o"),
            ("clang", "-c", "a.c", "-o", "a.o"),
        ),
        (
            ("changed", 1, ["argv"], "sh -c cc -O2 a.c && strip a.out", "sh -c cc -O3 a.c && strip a.out"),
            ("sh", "-c", "cc -O2 a.c && strip a.out"),
            ("sh", "-c", "cc -O3 a.c && strip a.out"),
        ),
        (
            ("changed", 1, ["argv"], "ld -shared a.o", "ld -shared a.o -z now --as-needed --build-id --eh-frame-hdr"),
            ("ld", "-shared", "a.o"),
            ("ld", "-shared", "a.o", "-z", "now", "--as-needed", "--build-id", "--eh-frame-hdr"),
        ),
    ],
)  # fmt: skip
def test_a_change(expected, left, right):
    """What is nearly the same on both sides is one difference that says what changed; the rest is the same."""
    other = [("cc", "-c", "b.c"), ("ls",)]

    assert [expected] == differences([left, *other], [right, *other])


def test_what_only_one_ran():
    """Programs that are not alike are no change."""
    expected = [("removed", 1, [], "ls", None), ("added", 1, [], None, "pwd"), ("added", 2, [], None, "sh -c x")]

    assert expected == differences([("ls",)], [("pwd",), ("sh", "-c", "x"), ("sh", "-c", "x")])


def test_once_more():
    """The same command line, not as often: both sides are told, and the difference counts the rest."""
    (found,) = compare(recorded(*[("cc", "a.c")] * 2), recorded(*[("cc", "a.c")] * 5)).differences

    assert ("count", 3, 2, 5, "right") == (found.kind, found.count, found.left.times, found.right.times, found.only)


def test_some_of_many_fail():
    """Of ten that were the same two fail now: these are the difference."""
    (found,) = compare(
        recorded(*[("check",)] * 10), recorded(*[("check",)] * 8, *[ran("check", status=1)] * 2)
    ).differences

    assert ("changed", 2, ["end"]) == (found.kind, found.count, found.changed)
    assert [("0", 10), ("1", 2)] == [(side.end, side.times) for side in (found.left, found.right)]


def test_a_new_failed_exec():
    """A program that could not be executed is told with the reason."""
    (found,) = compare(recorded(("env", "x")), recorded(ran("env", "x", failure="/usr/bin/nosuch"))).differences

    assert ("added", "/usr/bin/nosuch", "ENOENT", ["make → env"]) == (
        found.kind,
        found.right.program,
        found.right.end,
        found.right.creators,
    )


def test_who_ran_the_command_is_told_once():
    """Another user changes the command itself, not everything below it."""
    left, right = (
        recorded(("a",), ("b",)),
        [
            msgspec.structs.replace(
                life, programs=[msgspec.structs.replace(it, user="ann", uid=7, euid=7) for it in life.programs]
            )
            for life in recorded(("a",), ("b",))
        ],
    )
    (found,) = compare(left, right).differences

    assert (["user"], ["make"], "root", "ann") == (found.changed, found.left.argv, found.left.user, found.right.user)


def test_arguments_that_are_not_known():
    """They are the same where neither is known, and a difference where one is."""
    known = recorded(("a", "b"))
    unknown = [
        msgspec.structs.replace(life, programs=[msgspec.structs.replace(it, argv=None) for it in life.programs])
        for life in known
    ]

    assert compare(unknown, unknown).equal
    assert not compare(unknown, known).equal


def test_a_command_line_in_all():
    """How often, how long and by whom, in the whole recording."""
    (found,) = compare(recorded(), recorded(("sh",), *[ran("cc", of=0)] * 3, root=("make",))).differences[:1]
    (program,) = [it for it in compare(recorded(), recorded(*[("cc",)] * 3)).programs if it.program == "/usr/bin/cc"]

    assert (3, ["make → sh"]) == (found.right.times, found.right.creators)
    assert (0, 3, 0) == (program.left.times, program.right.times, program.right.failed)
    assert program.right.duration > program.right.times * 1_000_000


def test_replacements_are_told():
    """As they are part of what equal means; the first thousand."""
    found = compare(recorded(("cc", "/tmp/ccaB3dE6.s")), recorded(("cc", "/tmp/ccZyXwVu.s")))
    many = [[("x", f"/dev/fd/{number}") for number in numbers] for numbers in (range(1000), range(1000, 2000))]

    assert [("left", "ccaB3dE6.s"), ("right", "ccZyXwVu.s")] == [(it.side, it.text) for it in found.replacements]
    assert MAX_REPLACEMENTS == len(compare(*(recorded(*commands) for commands in many)).replacements)


def test_many_alike(monkeypatch):
    """With more candidates than can be looked at the rarest words decide, and nothing is told twice or left out."""
    monkeypatch.setattr(similar, "MAX_CANDIDATES", 100)
    left = [("cc", "-O2", "-Wall", "-c", f"{number}.c") for number in range(100)]
    right = [("cc", "-O3", "-Wall", "-c", f"{number}.c") for number in range(100)]
    found = differences(left, right)

    assert {("changed", 1, f"{number}.c", f"{number}.c") for number in range(100)} == {
        (kind, count, *(argv.rpartition(" ")[2] for argv in argvs)) for kind, count, _, *argvs in found
    }


WORDS = ["cc", "-O2", "-O3", "a.c", "/tmp/ccaB3dE6.o", f"x{BASE + 2}", "a b", "\udcff"]
COMMAND = st.builds(
    lambda argv, status, cwd: ran(*argv, status=status, cwd=cwd),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    st.sampled_from([0, 0, 1]),
    st.sampled_from(["/src", "/src/lib"]),
)
RECORDING = st.builds(lambda commands: recorded(*commands), st.lists(COMMAND, max_size=8))


@given(RECORDING)
def test_nothing_differs_from_itself(lives):
    """A recording is equal to itself, all of it."""
    found = compare(lives, lives)

    assert (True, [], found.left.executions) == (found.equal, found.differences, found.same)


@given(RECORDING, RECORDING)
def test_sides_can_be_swapped(left, right):
    """The same differences are found, the other way round."""
    one, other = compare(left, right), compare(right, left)
    turned = {"removed": "added", "added": "removed"}

    def key(kind, it, here, there):
        return kind, it.count, tuple(it.changed), repr(here), repr(there)

    assert (one.equal, one.same) == (other.equal, other.same)
    assert one.left == msgspec.structs.replace(other.right, name="left")
    assert Counter(key(it.kind, it, it.left, it.right) for it in one.differences) == Counter(
        key(turned.get(it.kind, it.kind), it, it.right, it.left) for it in other.differences
    )


@given(RECORDING, RECORDING)
def test_every_execution_is_told_once(left, right):
    """Those that are the same and those of the differences are all there are, on either side."""
    found = compare(left, right)
    told = Counter(left=found.same, right=found.same)
    for it in found.differences:
        told.update({it.only: it.count} if it.only else {"left": it.count, "right": it.count})

    assert {"left": found.left.executions, "right": found.right.executions} == told
    assert found.left.executions == sum(program.left.times for program in found.programs)
    assert found.equal == (not found.differences)
