"""Who executed, and where: ids, privilege, sessions, namespaces, cgroups, threads, the kernel itself."""

import os
import shutil
import signal
import struct
import subprocess
import uuid
from collections import Counter
from pathlib import Path

import pytest

import whatran
from whatran.process import processes

from .programs import pty, read_until, stdin_is
from .truth import assert_exec_matches, cgroup2_mount, execs, forks, only, told

NOBODY = 65534


def test_name_before_the_exec(run_told, programs):
    """prev_comm is the name the task had until this exec."""
    completed, [witness] = run_told([programs / "odd", "named", "a\tb c", programs / "witness"])

    assert_exec_matches(only(execs(completed.events, comm="witness")), witness, prev_comm="a\tb c")


def test_name_that_another_may_have_overwritten(programs):
    """Where two tasks share a place for it, the name before the exec is its own or unknown, never the other's."""
    completed = whatran.run([programs / "namesake", "2000"])

    names = Counter((each.argv[1], each.prev_comm) for each in execs(completed.events, comm="exe") if each.argv)
    assert {"itself", "another"} == {who for who, _ in names}
    assert set() == names.keys() - {("itself", "before"), ("itself", None), ("another", "another"), ("another", None)}
    assert 2000 == names["itself", "before"] + names["itself", None]
    assert names["itself", "before"] > 0


def test_ordinary_user(run_told, programs):
    """Ids of user and group and the lack of capabilities are those of the program."""
    command = ["setpriv", "--reuid", "1234", "--regid", "4321", "--clear-groups", programs / "witness"]
    completed, [witness] = run_told(command)

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness)
    assert (1234, 4321, 0) == (event.uid, event.gid, event.cap_effective)
    # setpriv had given up its own before it executed the program.
    assert (1234, 4321) == (event.prev_euid, event.prev_egid)


def test_real_and_effective_ids_differ(run_told, programs):
    """Real ids are not taken for effective ones."""
    ids = ["--ruid", "1001", "--euid", "1002", "--rgid", "2001", "--egid", "2002"]
    completed, [witness] = run_told(["setpriv", *ids, "--clear-groups", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness)
    assert (1001, 1002, 2001, 2002) == (event.uid, event.euid, event.gid, event.egid)


@pytest.mark.parametrize(("mode", "gains"), [(0o4755, "euid"), (0o2755, "egid")], ids=["setuid", "setgid"])
def test_binary_that_gains_privilege(run_told, programs, place, mode, gains):
    """A setuid or setgid binary of root's runs with that id and AT_SECURE."""
    copy = shutil.copy(programs / "witness-static", place / "gaining")
    os.chmod(copy, mode)

    # Only an exec as another user takes the capabilities away: setpriv itself has kept them.
    command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "sh", "-c", "exec $0", copy]
    completed, [witness] = run_told(command)

    event = only(execs(completed.events, comm="gaining"))
    ids = {"uid": NOBODY, "gid": NOBODY, "euid": NOBODY, "egid": NOBODY} | {gains: 0}
    assert_exec_matches(event, witness, secureexec=True, **ids)
    assert (gains == "euid") == (event.cap_effective != 0)
    assert (NOBODY, NOBODY, 0) == (event.prev_euid, event.prev_egid, event.prev_cap_effective)


def test_file_capability(run_told, programs, place):
    """A capability of the binary is in cap_effective, and the exec is secure."""
    copy = shutil.copy(programs / "witness-static", place / "capable")
    # struct vfs_ns_cap_data of linux/capability.h: revision 2, effective, CAP_DAC_READ_SEARCH permitted.
    os.setxattr(copy, "security.capability", struct.pack("<5I", 0x02000001, 1 << 2, 0, 0, 0))

    # Only an exec as another user takes the capabilities away: setpriv itself has kept them.
    command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "sh", "-c", "exec $0", copy]
    completed, [witness] = run_told(command)

    event = only(execs(completed.events, comm="capable"))
    assert_exec_matches(event, witness, secureexec=True, cap_effective=1 << 2)
    assert 0 == event.prev_cap_effective


def test_audit_ids(run_told, programs):
    """The id at login is that of the session, and unset is None."""
    before, after = "exec $0", "echo 1234 > /proc/self/loginuid && exec $0"

    for command in (before, after):
        completed, [witness] = run_told(["/bin/sh", "-c", command, programs / "witness"])
        assert_exec_matches(only(execs(completed.events, comm="witness")), witness)

    event = only(execs(completed.events, comm="witness"))
    assert 1234 == event.loginuid
    assert event.audit_session is not None


def test_new_session(run_told, programs):
    """In a session of its own a program is the leader of session and group, and has no terminal."""
    completed, [witness] = run_told(["setsid", "--fork", "--wait", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness)
    assert (event.pid, event.pid, None) == (event.session_id, event.process_group, event.tty)


def test_controlling_terminal(run_told, programs):
    """The controlling terminal is known by its device number."""
    with pty() as (_, slave):
        with stdin_is(slave):
            completed, [witness] = run_told(["setsid", "--fork", "--wait", "--ctty", programs / "witness"])
        device = os.fstat(slave).st_rdev

    assert_exec_matches(only(execs(completed.events, comm="witness")), witness, tty=device)


def test_thread_that_is_not_the_leader(run_told, programs):
    """A thread that executes becomes its process; old_tid is the thread it was."""
    completed, [witness] = run_told([programs / "odd", "thread", programs / "witness"])

    thread = int(witness.strings("cmdline")[2])
    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness, old_tid=thread)
    assert event.pid == event.tid != thread
    assert [] == forks(completed.events)


def test_chroot(run_told, programs, place):
    """Paths reach up to the root of the mount namespace, beyond the root that the program sees."""
    root = place / "root"
    (root / "proc").mkdir(parents=True)
    shutil.copy(programs / "witness-static", root / "witness")
    commands = 'mount --bind /proc "$0/proc" && exec chroot "$0" /witness < /etc/passwd'

    completed, [witness] = run_told(["unshare", "--mount", "/bin/sh", "-c", commands, root])

    assert_exec_matches(
        only(execs(completed.events, comm="witness")),
        witness,
        cmdpath="/witness",
        pathname=f"{root}/witness",
        cwd=str(root),
        stdin_path="/etc/passwd",
    )


@pytest.mark.parametrize("mount", ["--bind $0", "-t tmpfs none"], ids=["bind", "tmpfs"])
def test_mount_namespace(run_told, programs, place, mount):
    """A path is that in the program's own mount namespace; the binary is told by its device and inode."""
    point = place / "point"
    point.mkdir()
    commands = f'mount {mount} "$1" && cp -n "$0/witness" "$1/" && cd "$1" && exec "$1/witness"'

    completed, [witness] = run_told(["unshare", "--mount", "/bin/sh", "-c", commands, programs, point])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness, pathname=f"{point}/witness", cwd=str(point))
    assert os.stat("/proc/self/ns/mnt").st_ino != event.mnt_ns


def test_mounts_upon_mounts(run_told, programs, place):
    """A path crosses every mount between the binary and the root, also of mounts on mounts."""
    point = place / "a"
    (point / "b").mkdir(parents=True)
    commands = """
        mount -t tmpfs none "$1"; mkdir "$1/b"; mount -t tmpfs none "$1/b"; mount -t tmpfs none "$1/b"
        cp "$0/witness" "$1/b/"; mkdir "$1/b/c"; mount --bind "$1/b" "$1/b/c"; exec "$1/b/c/witness"
    """

    completed, [witness] = run_told(["unshare", "--mount", "/bin/sh", "-e", "-c", commands, programs, point])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness, pathname=f"{point}/b/c/witness")


@pytest.mark.usefixtures("overlay")
@pytest.mark.parametrize("layer", ["lower", "upper"])
def test_overlay(run_told, programs, place, layer):
    """On an overlay, as containers have it, the binary is the overlay's file and not that of a layer."""
    for name in ("lower", "upper", "work", "merged"):
        (place / name).mkdir()
    shutil.copy(programs / "witness-static", place / layer / "witness")
    commands = 'cd "$0" && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged && merged/witness'

    completed, [witness] = run_told(["unshare", "--mount", "/bin/sh", "-c", commands, place])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness, pathname=f"{place}/merged/witness")


def test_pid_namespace(run_told, programs):
    """pid is that of the initial pid namespace, ns_pid the one the program sees."""
    completed, [witness] = run_told(["unshare", "--pid", "--fork", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness)
    assert (1, 1) == (event.ns_pid, event.ns_tid)
    assert 1 < event.pid


def test_user_namespace(run_told, programs):
    """Ids are those of the initial user namespace, whatever the program's own says."""
    ids = ["setpriv", "--reuid", "1234", "--regid", "4321", "--clear-groups"]

    completed, [witness] = run_told([*ids, "unshare", "--user", "--map-root-user", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert ["0"] * 4 == witness.status("Uid")
    users = dict.fromkeys(("uid", "euid", "suid", "fsuid"), 1234)
    groups = dict.fromkeys(("gid", "egid", "sgid", "fsgid"), 4321)
    assert_exec_matches(event, witness, **users, **groups)
    assert os.stat("/proc/self/ns/user").st_ino != event.user_ns


def test_other_namespaces(run_told, programs):
    """Each namespace that was left has a new number, told from the others'."""
    completed, [witness] = run_told(["unshare", "--net", "--uts", "--ipc", programs / "witness"])

    event = only(execs(completed.events, comm="witness"))
    assert_exec_matches(event, witness)
    changed = {
        name
        for name in ("mnt", "pid", "user", "net", "uts", "ipc", "cgroup")
        if os.stat(f"/proc/self/ns/{name}").st_ino != getattr(event, f"{name}_ns")
    }
    assert {"net", "uts", "ipc"} == changed


def test_cgroup(run_told, programs):
    """The cgroup is that of the unified hierarchy, by the inode of its directory."""
    group = Path(cgroup2_mount()) / f"whatran-{uuid.uuid4().hex}"
    group.mkdir()
    try:
        commands = 'echo $$ > "$1/cgroup.procs" && exec "$0"'
        completed, [witness] = run_told(["/bin/sh", "-c", commands, programs / "witness", group])
        event, inode = only(execs(completed.events, comm="witness")), group.stat().st_ino
        assert_exec_matches(event, witness, cgroup_id=inode)
    finally:
        group.rmdir()


def test_usermode_helper(programs, place, core_pattern):
    """What the kernel itself executes, here to take a core, is said to be invoked from the kernel."""
    helper = shutil.copy(programs / "witness", place / f"h{uuid.uuid4().hex[:10]}")
    said = place / "said"
    core_pattern.write_text(f"|{helper} --out {said} %p")

    with whatran.watch(comm=[helper.name]) as watched:
        crashed = subprocess.Popen(["/bin/sh", "-c", "ulimit -c unlimited; kill -SEGV $$"])
        events = read_until(watched, lambda event: event.event == "sched_process_exit")
        crashed.wait()

    [witness] = told(said.read_text())
    event = only(execs(events))
    assert -signal.SIGSEGV == crashed.returncode
    assert_exec_matches(event, witness, invoked_from_kernel=True)
    assert [str(helper), "--out", str(said), str(crashed.pid)] == event.argv


def test_fields_that_nobody_asked_for(programs):
    """Are not read where that takes time; all else is as ever."""
    command = [str(programs / "witness"), "--out", "/dev/null"]
    [whole], [some] = (
        execs(whatran.run(command, fields=fields).events) for fields in (None, ["pathname", "cgroup", "pid"])
    )

    unread = {
        name for name in whole.__struct_fields__ if getattr(some, name) is None and getattr(whole, name) is not None
    }
    costly = {"interpreter_pathname", "interpreter_dev", "interpreter_inode", "interpreter_ctime"}
    costly |= {"stdin_path", "stdin_type", "cwd", "argv"}
    assert costly == unread
    assert (whole.pathname, whole.cgroup, whole.inode) == (some.pathname, some.cgroup, some.inode)


def test_events_that_have_nothing_of_what_was_asked_for(programs):
    """Are neither told nor sent, but all execs are; processes are still followed."""
    storm = [str(programs / "storm"), "1", "20", str(programs / "true")]
    done = whatran.run(storm, fields=["pathname", "argc"])

    program = str((programs / "true").resolve())
    assert ({"sched_process_exec"}, 20) == (
        {event.event for event in done.events},
        [event.pathname for event in done.events].count(program),
    )
    assert (21, 0, 0, 0) == (done.stats.execs.seen, done.stats.forks.seen, done.stats.exits.seen, done.stats.lost)


def test_processes_that_have_ended_untold_are_forgotten(programs, monkeypatch):
    """Whoever asks for execs alone is not told of ends: now and then it is looked who lives."""
    monkeypatch.setattr(processes, "MOST_NEW", 100)
    obey = ["/bin/sh", "-c", "while read -r line; do $line; echo done; done"]
    with (
        subprocess.Popen(obey, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell,
        whatran.watch(tree=[shell.pid], fields=["inode"]) as watched,
    ):
        known = watched._taker._taker._processes._living
        living = len(known)
        count = 2 * living + 200
        shell.stdin.write(f"{programs}/storm 1 {count} {programs}/true\n")
        shell.stdin.flush()
        shell.stdout.readline()
        told = watched.read()
        most = len(known)
        for _ in range(30):  # it is looked at after a second, and what is found stands a moment later
            told += watched.read(timeout=1)
            if (least := len(known)) <= living + 100:
                break
        shell.stdin.close()

    assert least <= living + 100
    assert most > 2 * living + 100
    assert ({"sched_process_exec"}, count + 1) == ({event.event for event in told}, len(told))


@pytest.mark.parametrize(
    ("fields", "filters"),
    [
        (["exit_code"], []),
        (["exit_code"], ["event=sched_process_exit"]),
        (["exit_code"], ["pathname=*/false"]),
        (["errno", "cmdpath"], ["event=process_*"]),
        (["errno"], []),
        (["argc", "tried"], ["event=sched_process_exec"]),
        (["argc"], ["tried=*nowhere*"]),
        (["cmdpath", "exit_code"], []),
        (["cmdpath"], ["pathname=*/env"]),
    ],
)
def test_fields_leave_out_nothing_else(programs, monkeypatch, fields, filters):
    """What is asked for of each event is as it is when all is asked for: failures, searches of PATH, filters."""
    monkeypatch.setenv("PATH", f"/nowhere:{os.defpath}")
    command = ["/bin/sh", "-c", 'false; "$0"; env true; env /nowhere/at/all; exit 3', str(programs / "true")]

    def told(**only):
        events = whatran.run(command, filters=filters, **only).events
        return [
            (event.event, *(getattr(event, name, None) for name in fields))
            for event in events
            if any(hasattr(event, name) for name in fields)
        ]

    assert told() == told(fields=fields)
