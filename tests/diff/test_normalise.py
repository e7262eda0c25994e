"""What changes from run to run is replaced; what is a difference is not."""

import re
from pathlib import Path

import pytest

from tests.diff.recorded import BASE, START, executions, ran
from tests.events import WALL, S
from whatran.diff.normalise import RULES, normalise

NOW = (WALL + START) // S
"""The time of the recordings, in s since the epoch."""


def replaced(left, right, rule, **given):
    """What a rule makes of the last argument of the last command of either recording."""
    both, _ = normalise(left, right, {rule})
    return tuple(it.all[-1].argv[-1] for it in both)


@pytest.mark.parametrize(
    ("rule", "expected", "left", "right"),
    [
        ("descriptor", "/dev/fd/N", "/dev/fd/63", "/dev/fd/62"),
        ("descriptor", "/proc/self/fd/N", "/proc/self/fd/3", "/proc/self/fd/4"),
        ("descriptor", "< pipe:[N]", "< pipe:[12345]", "< pipe:[12346]"),
        ("jobserver", "--jobserver-auth=JOBSERVER", "--jobserver-auth=3,4", "--jobserver-auth=fifo:/tmp/GMfifo77"),
        ("jobserver", "-j --jobserver-fds=JOBSERVER -k", "-j --jobserver-fds=3,4 -k", "-j --jobserver-fds=-2,-2 -k"),
        ("redacted", "--token=<redacted>", "--token=<redacted:01234567>", "--token=<redacted:89abcdef>"),
        ("uuid", "id=UUID", "id=7c9e6679-7425-40de-944b-e07fc1f90ae7", "id=0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("uuid", "/p_UUID/s", "/p_7c9e6679742540de944be07fc1f90ae7/s", "/p_0f8fad5bd9cb469fa16570867728950e/s"),
        ("time", "TIME", f"{NOW}", f"{NOW + 1}"),
        ("time", "--at=TIME", f"--at={NOW}.25", f"--at={NOW}.75"),
        ("time", "TIME", f"{NOW}123", f"{NOW}456"),
        ("time", "TIME", f"{NOW}123456", f"{NOW}123456789"),
        ("pid", "conftestPID.c", f"conftest{BASE + 1}.c", f"conftest{BASE + 1001}.c"),
        ("pid", "/proc/PID/maps", f"/proc/{BASE}/maps", f"/proc/{BASE + 1000}/maps"),
        ("temporary", "/tmp/ccXXXXXX.s", "/tmp/ccaB3dE6.s", "/tmp/ccZyXwVu.s"),
        ("temporary", "-f=/tmp/ccXXXXXX.res", "-f=/tmp/ccaaaaaa.res", "-f=/tmp/ccbbbbbb.res"),
        ("temporary", "rm -rf /tmp/tmp.XXXXXXXXXX/a", "rm -rf /tmp/tmp.aBcDeFgHiJ/a", "rm -rf /tmp/tmp.kLmNoPqRsT/a"),
        ("temporary", "/tmp/pip-x-XXXXXXXX/XXXXXXXX", "/tmp/pip-x-abcdefgh/a1b2c3d4", "/tmp/pip-x-ijklmnop/z9y8x7w6"),
        ("temporary", "/tmp/go-buildXXXXXXXXXX/b001", "/tmp/go-build3421234123/b001", "/tmp/go-build98765432/b001"),
        ("temporary", "./confXXXXXX/out", "./conf8U4SWd/out", "./confk2QxT9/out"),
        ("temporary", "/run/user/1000/app-XXXXXXXX", "/run/user/1000/app-k3j5_8ab", "/run/user/1000/app-zzq1abcd"),
        ("temporary", "/home/me/tmp/x-XXXXXX.log", "/home/me/tmp/x-a1b2c3.log", "/home/me/tmp/x-d4e5f6.log"),
    ],
)  # fmt: skip
def test_what_changes_from_run_to_run(rule, expected, left, right):
    """Each rule makes the same of what is different for its reason only."""
    sides = executions(("run", left)), executions(("run", right), base=BASE + 1000)

    assert (expected, expected) == replaced(*sides, rule)


@pytest.mark.parametrize(
    ("rule", "left", "right"),
    [
        ("descriptor", "/dev/fd", "/dev/fd/x"),
        ("descriptor", "/home/fd/3", "/home/fd/4"),
        ("redacted", "<redacted:0123456>", "<redacted:0123457>"),
        ("uuid", "886313e1-3b8a-5372-9b90-0c9aee199e5d", "2ed6657d-e927-568b-95e1-2665a8aea6a2"),  # of a name
        ("uuid", "d41d8cd98f00b204e9800998ecf8427e", "0cc175b9c0f1b6a831c399e269772661"),  # a digest
        ("time", f"{NOW - 3600}", f"{NOW - 7200}"),  # some other time: SOURCE_DATE_EPOCH
        ("time", f"v{NOW}", f"v{NOW + 1}"),
        ("pid", "-j4", "-j8"),
        ("pid", f"file{BASE + 7}.c", f"file{BASE + 8}.c"),  # nobody's
        ("temporary", "/tmp/tool12/bin/cc", "/tmp/tool13/bin/cc"),
        ("temporary", "/tmp/build-stable/cc", "/tmp/build-latest/cc"),
        ("temporary", "/opt/gcc-12.3.0/bin/cc", "/opt/gcc-13.1.0/bin/cc"),
        ("temporary", "/opt/jdk17u35b/bin/java", "/opt/jdk21f10a/bin/java"),
        ("temporary", "src/test_reader.c", "src/test_writer.c"),
        ("temporary", "/nix/store/0c5b2p8lh3-gcc/bin/cc", "/nix/store/7xk1q9vz4d-gcc/bin/cc"),
        ("temporary", "obj/1f0e4d.o", "obj/a9b8c7.o"),  # a digest
        ("temporary", "-DKEY=aB3dE6", "-DKEY=Zy9wVu"),  # no path
        ("temporary", "-DMAX=16777216", "-DMAX=33554432"),
        ("temporary", "/tmp/20240115", "/tmp/20240116"),
        ("directory", "/srcs/a", "/elsewhere/a"),
    ],
)  # fmt: skip
def test_what_is_a_difference(rule, left, right):
    """What a rule has no reason for stays as it is."""
    sides = executions(("run", left)), executions(("run", right), base=BASE + 1000)

    assert (left, right) == replaced(*sides, rule)


def test_every_rule_is_shown_here():
    """None is without a case of what it does, and of what it does not."""
    does, does_not = (
        {case[0] for case in test.pytestmark[0].args[1]}
        for test in (test_what_changes_from_run_to_run, test_what_is_a_difference)
    )

    assert (set(RULES), set(RULES) - {"jobserver"}) == (does | {"directory"}, does_not)


@pytest.mark.parametrize(
    ("expected", "left", "right"),
    [
        ("PWD", "/ci/17", "/ci/18"),
        ("PWD/src/a.c", "/ci/17/src/a.c", "/ci/18/src/a.c"),
        ("-IPWD/include", "-I/ci/17/include", "-I/ci/18/include"),
        ("cc -LPWD a:PWD", "cc -L/ci/17 a:/ci/17", "cc -L/ci/18 a:/ci/18"),
    ],
)
def test_where_it_ran(expected, left, right):
    """The directory in which each command was started is the same, where it was not; options may have it glued on."""
    sides = executions(("run", left), cwd="/ci/17"), executions(("run", right), cwd="/ci/18")

    assert (expected, expected) == replaced(*sides, "directory")


@pytest.mark.parametrize("text", ["/ci/170", "/other/ci/17", "a/ci/17", "/ci/17.old"])
def test_where_it_did_not_run(text):
    """Another directory's name may only look like it."""
    sides = executions(("run", text), cwd="/ci/17"), executions(("run", text), cwd="/ci/18")

    assert (text, text) == replaced(*sides, "directory")


@pytest.mark.parametrize(("here", "there"), [("/src", "/src"), ("/", "/ci/18"), (None, "/ci/18")])
def test_a_directory_that_says_nothing(here, there):
    """The same one, the root, or none that is known: then all paths stay."""
    sides = executions(("run", "/ci/18/a"), cwd=here), executions(("run", "/src/a"), cwd=there)

    assert ("/ci/18/a", "/src/a") == replaced(*sides, "directory")


def test_everything_that_is_compared_is_replaced():
    """Also the program's path and its working directory."""
    commands = (
        ran("x", pathname=f"/tmp/tmp.{name}/bin/x", cwd=f"/tmp/tmp.{name}") for name in ("aBcDeFgHiJ", "kLmNoPqRsT")
    )
    both, _ = normalise(*map(executions, commands))

    assert [("/tmp/tmp.XXXXXXXXXX/bin/x", "/tmp/tmp.XXXXXXXXXX")] * 2 == [
        (it.all[1].program, it.all[1].cwd) for it in both
    ]


@pytest.mark.parametrize("text", ["a", "1", "/", "a/", "/proc/", "X", "-", "1-", "a1b"])
def test_long_arguments(text):
    """However long one is, and whatever is in it, all rules are soon done with it."""
    sides = executions(("run", text * 200_000)), executions(("run", text * 200_001))
    both, _ = normalise(*sides)

    assert [text * 200_000, text * 200_001] == [it.all[1].argv[1] for it in both]


def test_what_was_replaced_is_told():
    """By which rule, what and by what, for either side."""
    sides = executions(("cc", "/tmp/ccaB3dE6.s")), executions(("cc", "/tmp/ccZyXwVu.s"))
    _, logs = normalise(*sides)

    assert [{("temporary", "ccaB3dE6.s", "ccXXXXXX.s")}, {("temporary", "ccZyXwVu.s", "ccXXXXXX.s")}] == list(logs)


def test_without_rules_nothing_is_replaced():
    """What is given is what is compared."""
    left, right = executions(("cc", "/tmp/ccaB3dE6.s"), cwd="/a"), executions(("cc", "/tmp/ccZyXwVu.s"), cwd="/b")

    assert ((left, right), (set(), set())) == normalise(left, right, ())


def test_the_page_has_the_rules():
    """docs/diff.md lists each with the same words."""
    page = (Path(__file__).parent.parent.parent / "docs/diff.md").read_text()

    assert RULES == dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
