"""What an exec's numbers stand for, and where it ran: names, cgroups, layers of an overlay, chosen variables."""

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

import whatran

from .truth import assert_fields, cgroup2_mount, execs, only

NOBODY = 65534
NAMELESS = 4_000_000_123


def name_of(database, number):
    """What getent(1) has for a number; None where it has nothing."""
    done = subprocess.run(["getent", database, str(number)], check=False, stdout=subprocess.PIPE, text=True)
    return done.stdout.partition(":")[0] or None


# -- Users and groups ----------------------------------------------------------------------------


USERS = [(0, 0), (1, 2), (NOBODY, NOBODY), (NAMELESS, NAMELESS + 1)]


@pytest.fixture
def as_users(run_told):
    """All events while each of the users executes a program."""

    def run(program):
        commands = (f'setpriv --reuid {uid} --regid {gid} --clear-groups "$0"' for uid, gid in USERS)
        completed, _ = run_told(["/bin/sh", "-c", "; ".join([*commands, "true"]), program])
        return completed.events

    return run


def test_names_of_users_and_groups(as_users, programs):
    """user and group are what the system's databases call uid and gid, None where they do not."""
    events = execs(as_users(programs / "witness"), comm="witness")

    expected = [(name_of("passwd", uid), name_of("group", gid)) for uid, gid in USERS]
    assert USERS == [(event.uid, event.gid) for event in events]
    assert expected == [(event.user, event.group) for event in events]
    assert ("root", (None, None)) == (expected[0][0], expected[-1])


def test_names_of_who_could_not_execute(failed_execs, as_users):
    """They are the same where an exec failed."""
    events = [event for event in as_users("/nosuch") if event.event == "process_execute_failed"]

    assert USERS == [(event.uid, event.gid) for event in events]
    assert [(name_of("passwd", uid), name_of("group", gid)) for uid, gid in USERS] == [
        (event.user, event.group) for event in events
    ]


def test_name_is_that_of_the_real_user(run_told, programs, place):
    """A setuid program is still its caller's: the names are those of the real ids."""
    copy = shutil.copy(programs / "witness-static", place / "gaining")
    os.chmod(copy, 0o6755)
    command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", copy]

    completed, [witness] = run_told(command)

    event = only(execs(completed.events, comm="gaining"))
    assert ["0", "0"] == [witness.status(name)[1] for name in ("Uid", "Gid")]
    assert (name_of("passwd", NOBODY), name_of("group", NOBODY)) == (event.user, event.group)


# -- Control groups ------------------------------------------------------------------------------


@pytest.fixture
def make_cgroup():
    """Makes cgroups, one within the other, and removes them in the end."""
    made = []

    def make(hierarchy, *names):
        path = Path(hierarchy) / f"whatran-{uuid.uuid4().hex}"
        for part in (path, *names):
            path = path / part
            path.mkdir()
            made.append(path)
        return path

    yield make
    for path in reversed(made):
        path.rmdir()


def run_in(group, *command):
    """A command that has the shell of it join the cgroup first."""
    return ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, *command]


def v1_mount(controller):
    """Where the v1 hierarchy with that controller is mounted, if it is."""
    with open("/proc/self/mounts") as mounts:
        for _, point, kind, options, *_ in map(str.split, mounts):
            if kind == "cgroup" and controller in options.split(","):
                return point
    return None


def cgroup_of(witness, controllers=""):
    """Path in the v2 hierarchy, or in that of v1 controllers, by the process's own /proc/PID/cgroup."""
    lines = [line.split(":", 2) for line in witness.text("cgroup").split("\n")[:-1]]
    return next(path for _, hierarchy, path in lines if hierarchy == controllers)


ODD_NAMES = ("a b", "x" * 255, "back\\slash", "\udcff\udcfe", "日本", "-n", ":1", "\x1b[31m", "x (deleted)")


def test_cgroup(run_told, programs, make_cgroup):
    """The path is that of /proc/PID/cgroup, whatever the names in it."""
    group = make_cgroup(cgroup2_mount(), *ODD_NAMES)

    completed, [witness] = run_told(run_in(group, programs / "witness"))

    event = only(execs(completed.events, comm="witness"))
    assert cgroup_of(witness) == event.cgroup == f"/{group.relative_to(cgroup2_mount())}"
    assert {} == event.truncated


def test_cgroup_namespace(run_told, programs, make_cgroup):
    """The path goes up to the root of the hierarchy, beyond the one that the process sees."""
    group = make_cgroup(cgroup2_mount(), "within")

    completed, [witness] = run_told(run_in(group, "unshare", "--cgroup", programs / "witness"))

    assert "/" == cgroup_of(witness)
    assert f"/{group.relative_to(cgroup2_mount())}" == only(execs(completed.events, comm="witness")).cgroup


@pytest.mark.parametrize("levels", [32, 33])
def test_nested_cgroups(run_told, programs, make_cgroup, levels):
    """Of the path up to 32 levels are kept, the innermost; that there are more is said."""
    names = [f"level-{number}" for number in range(levels - 1)]
    group = make_cgroup(cgroup2_mount(), *names)

    completed, [witness] = run_told(run_in(group, programs / "witness"))

    event, full = only(execs(completed.events, comm="witness")), cgroup_of(witness)
    expected = full if levels == 32 else "/".join(names[-32:])
    assert expected == event.cgroup
    assert ["cgroup"] * (levels > 32) == list(event.truncated)
    assert levels == 32 or len(event.cgroup) < event.truncated["cgroup"] <= len(full)


def test_cgroup_of_version_1(run_told, programs, make_cgroup):
    """At the root of the v2 hierarchy the path is that of the pids controller's."""
    pids = v1_mount("pids")
    if pids is None:
        pytest.skip("no v1 hierarchy of cgroups has the pids controller here")
    group = make_cgroup(pids, "a b")

    completed, [witness] = run_told(run_in(group, programs / "witness"))

    event = only(execs(completed.events, comm="witness"))
    assert ("/", f"/{group.relative_to(pids)}") == (cgroup_of(witness), cgroup_of(witness, "pids"))
    assert cgroup_of(witness, "pids") == event.cgroup


# -- Overlays ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("overlay")
def test_layers_of_an_overlay(programs, place):
    """What was put onto an overlay or changed on it lies in the upper layer; elsewhere there is none."""
    for name in ("lower", "upper", "work", "merged"):
        (place / name).mkdir()
    for name in ("as-it-was", "changed"):
        shutil.copy(programs / "true", place / "lower" / name)
    shutil.copy(programs / "true", place / "outside")
    commands = """
        cd "$0"; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged
        cp outside merged/new; merged/as-it-was; merged/changed; chmod u+w,g+x merged/changed; touch merged/changed
        merged/as-it-was; merged/changed; merged/new; ./outside
    """

    completed = whatran.run(["unshare", "--mount", "/bin/sh", "-e", "-c", commands, str(place)])

    names = {"as-it-was", "changed", "new", "outside"}
    events = [event for event in execs(completed.events) if event.comm in names]
    assert [
        ("merged/as-it-was", False),
        ("merged/changed", False),
        ("merged/as-it-was", False),
        ("merged/changed", True),
        ("merged/new", True),
        ("./outside", None),
    ] == [(event.cmdpath, event.upper_layer) for event in events]
    assert {"changed", "new"} == {entry.name for entry in (place / "upper").iterdir()}


@pytest.mark.usefixtures("overlay")
def test_overlay_without_an_upper_layer(programs, place):
    """On an overlay that cannot be written to nothing lies in an upper layer."""
    for name in ("one", "two", "merged"):
        (place / name).mkdir()
    shutil.copy(programs / "true", place / "one" / "program")
    commands = 'cd "$0" && mount -t overlay -o lowerdir=one:two none merged && exec merged/program'

    completed = whatran.run(["unshare", "--mount", "/bin/sh", "-c", commands, str(place)])

    assert False is only(execs(completed.events, comm="program")).upper_layer


# -- Chosen variables ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["A", "B"], ["A=1=2", "B="]),
        (["C", "A", "NOSUCH"], ["A=1=2", "C=\udcff 4"]),
        ([], None),
    ],
)
def test_chosen_variables(run_told, programs, names, expected):
    """Of the environment only the named variables are kept, in their order; its size stays known."""
    variables = ["A=1=2", "AB=3", "B=", "C=\udcff 4"]

    completed, [witness] = run_told(["/usr/bin/env", "-i", *variables, programs / "witness"], env=names)

    event = only(execs(completed.events, comm="witness"))
    assert variables == witness.strings("environ")
    assert_fields(event, {"env": expected, "envc": 4, "truncated": {}, "unreadable": []})
