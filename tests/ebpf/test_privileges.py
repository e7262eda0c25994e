"""Least privilege: what an ordinary user with few capabilities can do, and what whatran keeps of root's."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys

import pytest

from whatran.source import probe

from .test_alerts import rules  # noqa: F401 (a fixture)
from .test_cli import WHATRAN, assert_one_sentence

UID = 34567
CAPABILITIES = "+bpf,+perfmon,+dac_read_search"
AS_USER = [
    *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", f"--bounding-set=-all,{CAPABILITIES}"),
    *(f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}"),
]
DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SYS_PTRACE = (1 << number for number in (1, 2, 5, 19))
FOWNER = 1 << 3
# It is asked for whatever is done with a map, where a sysctl is set.
BPF_BEFORE_5_19 = 1 << 39 if tuple(map(int, os.uname().release.split(".")[:2])) < (5, 19) else 0

CALLER = pwd.getpwnam("daemon")
BY_SUDO = os.environ | {
    "SUDO_UID": str(CALLER.pw_uid),
    "SUDO_GID": str(CALLER.pw_gid),
    "SUDO_USER": CALLER.pw_name,
    "SUDO_COMMAND": "/usr/bin/whatran",
    "MAIL": "/var/mail/root",
}
SAID_BY_SUDO = f"whatran: running the command as {CALLER.pw_name}, who has called for root; --as-root runs it as root\n"


@pytest.fixture(autouse=True)
def _root(_ebpf):
    """Only root can be somebody else."""
    if os.geteuid() != 0:
        pytest.skip("only root can give up its privileges, or be somebody else")


@pytest.fixture
def folder(place):
    """Where everyone may write."""
    place.chmod(0o777)
    return place


@pytest.fixture
def as_user():
    """What stands before a command to have it run by an ordinary user, with capabilities."""
    # Before 5.11, eBPF counts to a limit that only root can raise.
    counts = probe.has_helper_current_task().answer == probe.NO
    return [*(["prlimit", "--memlock=unlimited"] if counts else []), *AS_USER]


def whatran(*arguments, before=(), **options):
    """A finished whatran, its streams as text."""
    command = [*before, *WHATRAN, *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def started(*arguments, **options):
    """A whatran that runs."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([*WHATRAN, *map(os.fspath, arguments)], text=True, **pipes, **options)


def privileges(pid):
    """What the kernel says of a process's, by name."""
    with open(f"/proc/{pid}/status") as file:
        lines = dict(line.rstrip().partition(":\t")[::2] for line in file)
    wanted = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    return {name: int(lines[name], 16) for name in wanted}


def given_up(pid):
    """The same, once it has given up what it does not need."""
    while not (found := privileges(pid))["NoNewPrivs"]:
        os.sched_yield()
    return found


def children(pid):
    """Privileges of a process's children, once one of them, which comes first, has given up its own."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        pids = file.read().split()
    while True:
        found = sorted(map(privileges, pids), key=lambda each: -each["NoNewPrivs"])
        if found[0]["NoNewPrivs"]:
            return found
        os.sched_yield()


def events_of(path):
    """The events in JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- an ordinary user with capabilities -----------------------------------------------------------


def test_a_run_of_an_ordinary_user(programs, folder, as_user):
    """With the three capabilities a command is followed by eBPF, and there is nothing that would have to be said."""
    arguments = ["--format", "jsonl", "-o", folder / "out", "--", "sh", "-c", f"{programs}/true a; exit 3"]
    done = whatran(*arguments, before=as_user)

    events = events_of(folder / "out")
    kinds = [event["event"].removeprefix("sched_process_") for event in events]
    assert (3, "") == (done.returncode, done.stderr)
    assert ["exec", "fork", "exec", "exit", "exit"] == kinds
    assert {(UID, False)} == {(event["uid"], bool(event.get("unreadable"))) for event in events if event["pid"]}


def test_a_watch_of_an_ordinary_user(programs, place, as_user):
    """The whole machine is watched, other users' processes too, with their arguments."""
    program = shutil.copy(programs / "true", place / "other")
    command = [*as_user, *WHATRAN, "--format", "jsonl", "-n", "1"]
    command += ["--filter", f"pathname={program}", "--filter", "event=sched_process_exec"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None:
            subprocess.run([program, "an argument"], check=True)
        [event], said = [json.loads(line) for line in running.stdout.read().splitlines()], running.stderr.read()

    assert (0, "an argument") == (event["uid"], event["argv"][1])
    assert_one_sentence(said, " 0 lost")


def test_a_recording_of_an_ordinary_user(programs, folder, as_user):
    """It is theirs, and can be replayed by them."""
    path = folder / "some.wr"
    done = whatran("record", "-o", path, "--rotate", "1h", "--", programs / "true", before=as_user)
    (file,) = folder.glob("*.wr")
    shown = whatran("replay", file, before=AS_USER)

    assert (0, 0, "") == (done.returncode, shown.returncode, shown.stderr)
    assert (UID, UID, 0o100600) == (file.stat().st_uid, file.stat().st_gid, file.stat().st_mode)
    assert f"{programs}/true" in shown.stdout


def test_a_cgroup_takes_the_right_to_make_one(programs, as_user):
    """Of a cgroup, which an ordinary user cannot make, it is said what was tried and what to leave out."""
    done = whatran("--scope", "cgroup", "--", programs / "true", before=as_user)

    assert_one_sentence(done.stderr, "cannot make the cgroup /", "Permission denied", "leave out --scope cgroup")
    assert 1 == done.returncode


def test_hidden_processes(programs, as_user):
    """Where /proc hides those of others (hidepid) one that is named is told to be hidden; a command can be followed."""
    mount = 'mount -t proc -o hidepid=1 proc /proc && exec "$@"'
    before = ["unshare", "--mount", "sh", "-c", mount, "sh", *as_user]

    named = whatran("--pid", "1", before=before)
    followed = whatran("--", programs / "true", before=before)

    assert_one_sentence(named.stderr, "there is no process 1, or /proc hides it", "hidepid")
    assert (2, 0, True) == (named.returncode, followed.returncode, "1 process, 1 exec" in followed.stderr)


def test_doctor_of_an_ordinary_user(as_user):
    """It says yes; where memory that eBPF takes is limited, and counts, it says no and how to raise the limit."""
    limited = ["prlimit", "--memlock=65536:65536", *AS_USER]
    counts = probe.has_helper_current_task().answer == probe.NO
    done, little = whatran("doctor", before=as_user), whatran("doctor", before=limited)

    assert (0, "whatran can watch with eBPF here") == (done.returncode, done.stdout.splitlines()[-1])
    assert (int(counts), counts) == (little.returncode, "RLIMIT_MEMLOCK, which is 64 KiB" in little.stdout)


# -- what whatran keeps of root's -----------------------------------------------------------------

READS = ["sh", "-c", "read line; exit 7"]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["run"], DAC_READ_SEARCH | KILL),
        (["run", "--env"], DAC_READ_SEARCH | KILL | SYS_PTRACE),
        (["run", "--scope", "cgroup"], DAC_READ_SEARCH | KILL | DAC_OVERRIDE),
        (["record", "-o", "{}/some.wr"], DAC_READ_SEARCH | KILL),
        (["record", "-o", "{}/some.wr", "--rotate", "1h"], DAC_READ_SEARCH | KILL | DAC_OVERRIDE | FOWNER),
        (["record", "-o", "{}/some.wr", "--keep", "1h"], DAC_READ_SEARCH | KILL | DAC_OVERRIDE | FOWNER),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else hex(each),
)
def test_what_is_kept_of_root(place, arguments, kept):
    """No capability that it has no use for any more, nor a way to get any; it works to its end, SIGUSR2 included."""
    with started(*(each.format(place) for each in arguments), "--", *READS) as running:
        found = given_up(running.pid)
        running.send_signal(signal.SIGUSR2)
        while not (line := running.stderr.readline()).startswith("whatran: "):
            pass
        _, said = running.communicate("go on\n")

    kept |= found["CapEff"] & BPF_BEFORE_5_19
    expected = {"CapInh": 0, "CapPrm": kept, "CapEff": kept, "CapBnd": kept, "CapAmb": 0, "NoNewPrivs": 1}
    assert expected | {"Seccomp": privileges("self")["Seccomp"]} == found
    assert ("watched by ebpf", 7) == (line[-16:-1], running.returncode)
    assert "Traceback" not in said


def test_what_is_kept_by_a_watch():
    """Of the machine, it needs no more than to read names of containers."""
    with started("watch", "--comm", "nobody-has-this") as running:
        found = given_up(running.pid)
        running.kill()

    kept = DAC_READ_SEARCH | found["CapEff"] & BPF_BEFORE_5_19
    assert [kept] * 3 == [found[name] for name in ("CapPrm", "CapEff", "CapBnd")]


def test_what_is_kept_by_a_tracer():
    """The process that traces, by ptrace, has what reading of others takes, and whatran itself less."""
    with started("--source", "ptrace", "--", *READS) as running:
        own = given_up(running.pid)
        found, _ = children(running.pid)
        running.communicate("go on\n")

    assert (DAC_READ_SEARCH | KILL, SYS_PTRACE | DAC_READ_SEARCH) == (own["CapPrm"], found["CapPrm"])
    assert (7, found["CapPrm"]) == (running.returncode, found["CapBnd"])


def test_what_is_kept_by_those_who_deliver_alerts(rules):  # noqa: F811
    """Who posts them reads names at the most; a shell command for them is the invoker's, with all that goes with it."""
    receivers = ["--alert", "true", "--webhook", "http://127.0.0.1:9/"]
    with started("--rules", rules, *receivers, "--", *READS) as running:
        given_up(running.pid)
        webhook, *others = children(running.pid)
        running.communicate("go on\n")

    assert [DAC_READ_SEARCH] * 3 == [webhook[name] for name in ("CapPrm", "CapEff", "CapBnd")]
    assert [privileges("self")] * 2 == others


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["learn"], DAC_READ_SEARCH | KILL),
        (["learn", "-o", "{}/new"], DAC_READ_SEARCH | KILL),
        (["check", "-o", "{}/new", "{}/baseline"], DAC_READ_SEARCH | KILL),
    ],
    ids=["learn", "learn a file", "check"],
)
def test_baselines(folder, arguments, kept):
    """To learn one, and to check by it, takes as little; the command is the caller's, and what is written of it too."""
    subprocess.run([*WHATRAN, "learn", "-o", folder / "baseline", "--", *READS], input=b"\n", check=False)
    with started(*(each.format(folder) for each in arguments), "--", *READS, env=BY_SUDO) as running:
        found = given_up(running.pid)
        with open(f"/proc/{running.pid}/task/{running.pid}/children") as file:
            owner = os.stat(f"/proc/{file.read().strip()}").st_uid
        running.communicate("go on\n")

    kept |= found["CapEff"] & BPF_BEFORE_5_19
    assert (kept, CALLER.pw_uid) == (found["CapPrm"], owner)
    assert {CALLER.pw_uid} == {each.stat().st_uid for each in folder.iterdir() if each.name != "baseline"} | {owner}


STATUS = ["grep", "-E", "^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups)", "/proc/self/status"]
LIMITS = ["sh", "-c", "cat /proc/self/limits; umask"]


@pytest.mark.parametrize("before", [[], ["prlimit", "--memlock=65536:"], AS_USER], ids=["root", "limits", "user"])
@pytest.mark.parametrize("command", [STATUS, LIMITS], ids=["status", "limits"])
def test_the_command_has_what_it_would_have(command, before, as_user):
    """Capabilities with their bounding set, no_new_privs, seccomp, ids and limits are as without whatran."""
    before = as_user if before is AS_USER else before
    plain = subprocess.run([*before, *command], capture_output=True, text=True, check=True)

    for source in ("ebpf", "ptrace"):
        done = whatran("--source", source, "-o", "/dev/null", "--", *command, before=before)
        assert (plain.stdout, "") == (done.stdout, done.stderr)


def test_environments_of_others():
    """With CAP_SYS_PTRACE the environment of a process whose record was lost is found, else its arguments only."""
    code = """
import sys
from whatran.source import capabilities
from whatran.source.procfs import memory_of, stat_of, TICK_NS

capabilities.keep_only(map(int, sys.argv[2:]))
pid = int(sys.argv[1])
print(*memory_of(pid, stat_of(pid).start_time * TICK_NS))
"""
    nobody = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "env", "-i", "A=1", "sh", "-c"]
    with subprocess.Popen([*nobody, "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        ask = [sys.executable, "-c", code, str(other.pid)]
        with_it, without = (subprocess.check_output([*ask, "2", *more], text=True) for more in (["19"], []))
        other.communicate(b"\n")

    argv = r"b'sh\x00-c\x00echo; read line\x00'"
    assert (argv, argv) == (with_it[: len(argv)], without.removesuffix(" None\n"))
    assert "A=1\\x00" in with_it


def test_a_library_leaves_its_caller_alone():
    """Only the command line gives up anything: whoever calls watch(), or main() with arguments, keeps all."""
    code = """
import whatran
from whatran.cli import main

status = lambda: [line for line in open("/proc/self/status") if line.startswith(("Cap", "NoNewPrivs"))]
before = status()
whatran.run(["true"])
main(["-o", "/dev/null", "--", "true"])
assert before == status(), status()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("options", "files"), [(["--rotate", "20K", "--files", "2"], 2), (["--keep", "1h"], 1)])
def test_files_to_come_in_a_folder_of_another(programs, place, options, files):
    """A recording goes on in new files where root may write, and remove, for no other reason than that it is root."""
    os.chown(place, UID, UID)
    place.chmod(0o1755)
    storm = [f"{programs}/storm", "1", "2000", f"{programs}/true"]
    done = whatran("record", "-o", place / "some.wr", *options, "--", *storm)

    assert (0, files) == (done.returncode, len(list(place.iterdir())))
    assert "cannot" not in done.stderr


# -- the command of who has called sudo -----------------------------------------------------------


def test_the_command_is_run_as_the_caller_of_sudo(folder):
    """With ids, groups and home of a login; what it makes is the caller's, and so is the output."""
    names = ("HOME", "LOGNAME", "SHELL", "USER", "MAIL", "SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND", "PATH")
    script = f"id -u; id -g; id -G; touch {folder}/made; printenv " + "; printenv ".join(names)
    done = whatran("--format", "jsonl", "-o", folder / "out", "--", "sh", "-c", script, env=BY_SUDO)

    groups = " ".join(map(str, os.getgrouplist(CALLER.pw_name, CALLER.pw_gid)))
    login = [CALLER.pw_dir, CALLER.pw_name, CALLER.pw_shell, CALLER.pw_name, os.environ["PATH"]]
    assert [str(CALLER.pw_uid), str(CALLER.pw_gid), groups, *login] == done.stdout.splitlines()
    assert SAID_BY_SUDO == done.stderr
    assert {CALLER.pw_uid} == {(folder / name).stat().st_uid for name in ("made", "out")}
    (first, *_) = events_of(folder / "out")
    ids = CALLER.pw_uid, CALLER.pw_gid
    assert [*ids, *ids] == [first[name] for name in ("uid", "gid", "prev_euid", "prev_egid")]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["learn", "-o", "{0}/out"], "ln -sf {1}/file $(find {0} -name .out.*)"),
        (["record", "--rotate", "20K", "-o", "{0}/out"], "mv {0} {0}.old; ln -s {1} {0}; {2}/storm 1 3000 {2}/true"),
        (["record", "--keep", "1h", "-o", "{0}/out"], "ln -sf {1}/fifo {0}/out"),
        (["record", "--keep", "1h", "-o", "{0}/out"], "ln -sf {1}/file {0}/out"),
    ],
)
def test_a_command_of_the_callers_leads_nowhere(programs, place, tmp_path, arguments, command):
    """Whatever it makes of the folder that root's whatran writes to: nothing of root's is written, made or removed."""
    place.chmod(0o755)
    roots, theirs = tmp_path / "roots", place / "theirs"
    roots.mkdir()
    theirs.mkdir()
    os.chown(theirs, CALLER.pw_uid, CALLER.pw_gid)
    (roots / "file").write_text("root's")
    os.mkfifo(roots / "fifo", 0o600)
    for each in (roots / "file", roots / "fifo"):
        each.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2]):  # that is no obstacle
        folder.chmod(0o755)
    reading = os.open(roots / "fifo", os.O_RDONLY | os.O_NONBLOCK)

    work = theirs / "work"
    work.mkdir()
    os.chown(work, CALLER.pw_uid, CALLER.pw_gid)
    script = command.format(work, roots, programs)
    whatran(*(each.format(work) for each in arguments), "--", "sh", "-c", script, env=BY_SUDO)

    assert ["fifo", "file"] == sorted(os.listdir(roots))
    assert ("root's", 0) == ((roots / "file").read_text(), (roots / "file").stat().st_uid)
    assert b"" == os.read(reading, 1)
    os.close(reading)


@pytest.mark.parametrize("options", [["--rotate", "20K"], ["--keep", "1h"]], ids=" ".join)
def test_where_the_caller_may_not_write(place, options):
    """Files that come later are the caller's to make: that they cannot be is said before the command is run."""
    place.chmod(0o755)
    done = whatran("record", "-o", place / "some.wr", *options, "--", "touch", "/dev/null", env=BY_SUDO)

    assert (True, []) == (done.returncode in {1, 2}, list(place.iterdir()))
    assert "ermission denied" in done.stderr


@pytest.mark.parametrize("source", ["ebpf", "ptrace"])
def test_it_is_roots_where_that_is_asked_for(place, source):
    """With --as-root all is as if root had logged in."""
    done = whatran("--as-root", "--source", source, "-o", place / "out", "--", "id", "-u", env=BY_SUDO)

    assert (0, "0\n", "", 0) == (done.returncode, done.stdout, done.stderr, (place / "out").stat().st_uid)


def test_by_ptrace_too(folder):
    """Root's tracer follows the caller's command."""
    done = whatran("--source", "ptrace", "--format", "jsonl", "-o", folder / "out", "--", "id", "-u", env=BY_SUDO)

    assert (f"{CALLER.pw_uid}\n", SAID_BY_SUDO) == (done.stdout, done.stderr)
    assert [CALLER.pw_uid] * 2 == [event["uid"] for event in events_of(folder / "out")]


@pytest.mark.parametrize("options", [[], ["--rotate", "20K"], ["--keep", "1h"]], ids=" ".join)
def test_recordings_are_the_callers(programs, folder, options):
    """All files of a command's recording, also those made later; nobody else can read them."""
    storm = [f"{programs}/storm", "1", "2000", f"{programs}/true"]
    done = whatran("record", "-o", folder / "some.wr", *options, "--", *storm, env=BY_SUDO)

    owners = {(each.stat().st_uid, each.stat().st_gid, each.stat().st_mode) for each in folder.glob("*.wr")}
    assert (0, {(CALLER.pw_uid, CALLER.pw_gid, 0o100600)}) == (done.returncode, owners)


def test_the_machines_recording_is_roots(place):
    """What others did is not for whoever may call sudo for it to read."""
    done = whatran("record", "-o", place / "some.wr", "--comm", "nobody-has-this", "--timeout", "0.1", env=BY_SUDO)

    assert (0, 0) == (done.returncode, (place / "some.wr").stat().st_uid)


def test_signals_reach_the_callers_command():
    """Another user's process is sent what came for it, after the right to everything else is gone."""
    script = 'trap "exit 9" TERM; echo ready; read line; exit 1'
    with started("--", "sh", "-c", script, env=BY_SUDO) as running:
        assert "ready\n" == running.stdout.readline()
        given_up(running.pid)
        running.terminate()
        assert 9 == running.wait()


def test_who_is_not_root_has_no_caller(folder, as_user):
    """To an ordinary user variables as those of sudo say nothing."""
    done = whatran("-o", folder / "out", "--", "id", "-u", before=as_user, env=BY_SUDO | {"SUDO_UID": "no number"})

    assert (f"{UID}\n", "") == (done.stdout, done.stderr)


def test_a_caller_that_is_no_user():
    """It is not guessed whom the command is for."""
    done = whatran("--", "id", env=BY_SUDO | {"SUDO_UID": "4000000123"})

    assert_one_sentence(done.stderr, "there is no user 4000000123", "--as-root")
    assert (2, "") == (done.returncode, done.stdout)
