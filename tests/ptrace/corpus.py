"""Commands that do odd things, each as a function of the folder of the witness programs and a place of its own."""

import os
import shutil

from tests.ebpf.programs import script


def shell(text):
    """A command for the shell."""
    return lambda programs, place: ["sh", "-c", text.format(programs=programs, place=place)]


def program(*words):
    """A program with its arguments."""
    return lambda programs, place: [word.format(programs=programs, place=place) for word in words]


def prepared(prepare, *words):
    """The same, in a place that is made ready for it."""

    def command(programs, place):
        prepare(programs, place)
        return [word.format(programs=programs, place=place) for word in words]

    return command


def copied(name, mode=0o755):
    """Puts a copy of the witness there."""

    def prepare(programs, place):
        shutil.copy(programs / "witness", place / name)
        os.chmod(place / name, mode)

    return prepare


def scripts(programs, place):
    """Puts scripts there, one of which has the other as its interpreter."""
    os.symlink(programs / "witness", place / "link")
    script(place / "inner", f"{place}/link   an argument")
    script(place / "outer", place / "inner")
    script(place / "env", "/usr/bin/env sh")


def setuid(programs, place):
    """Puts a copy of the witness there that is another's."""
    copied("suid")(programs, place)
    os.chown(place / "suid", 1234, 1234)
    os.chmod(place / "suid", 0o6755)


SOCKET_STDIN = (
    'import os, socket; a, b = socket.socketpair(); os.dup2(a.fileno(), 0); os.execv("{programs}/witness", ["w"])'
)

CORPUS = {
    "true": program("true"),
    "static": program("{programs}/witness-static"),
    "pie": program("{programs}/witness-pie"),
    "status": shell("exit 42"),
    "signal": shell("kill -SEGV $$"),
    "killed": shell("kill -9 $$"),
    "pipeline": shell("echo a | cat | cat > /dev/null"),
    "subshells": shell("(exit 1); (exit 2); (true; exit 3)"),
    "exec-chain": shell("exec sh -c 'exec env A=1 sh -c \"exec true\"'"),
    "substitution": shell("x=$(echo $(echo 1)); true $x"),
    "failing": shell("nosuch; /nosuch/file; true"),
    "find": shell("find /etc -maxdepth 1 -name 'host*' -exec /bin/true {{}} \\;"),
    "xargs": shell("echo 1 2 3 | xargs -n 1 true"),
    "background": shell("sleep 0.05 & wait"),
    "orphan": program("{programs}/odd", "daemon", "{programs}/witness"),
    "setsid": program("setsid", "-w", "true"),
    "nohup": shell("nohup true > /dev/null 2>&1"),
    "nice": program("nice", "-n", "5", "true"),
    "timeout": program("timeout", "5", "true"),
    "memfd": program("{programs}/odd", "memfd", "{programs}/witness"),
    "by-fd": program("{programs}/odd", "fd", "{programs}/witness"),
    "by-dirfd": program("{programs}/odd", "dirfd", "{programs}/witness"),
    "argc-0": program("{programs}/odd", "argc0", "{programs}/true"),
    "in-thread": program("{programs}/odd", "thread", "{programs}/true"),
    "renamed": program("{programs}/odd", "named", "another name", "{programs}/true"),
    "deleted": prepared(copied("gone"), "{programs}/odd", "deleted", "{place}/gone"),
    "fork": program("{programs}/births", "fork"),
    "vfork": program("{programs}/births", "vfork"),
    "clone-parent": program("{programs}/births", "clone-parent"),
    "pid-namespace": program("{programs}/births", "pidns"),
    "from-thread": program("{programs}/births", "thread"),
    "many-ids": program("{programs}/births", "ids"),
    "threads": program("{programs}/births", "threads"),
    "pid-reused": program("{programs}/births", "reused"),
    "leader-then-group": program("{programs}/ends", "1", "leader-then-group", "3"),
    "core": program("{programs}/ends", "1", "signal", "6"),
    "statuses": program("{programs}/ends", "3", "exit", "255"),
    "copy": lambda programs, place: ["sh", "-c", f"cd {place} && exec {programs}/ends 1 copy 10"],
    "script": prepared(scripts, "{place}/inner", "1"),
    "script-of-script": prepared(scripts, "{place}/outer", "2"),
    "env-script": prepared(scripts, "{place}/env"),
    "odd-bytes": prepared(copied("a\n b\t\udcff"), "{place}/a\n b\t\udcff", "x\ny", "", "\udcfe"),
    "named-deleted": prepared(copied("x (deleted)"), "{place}/x (deleted)"),
    "unreadable": prepared(copied("closed", 0o111), "{place}/closed"),
    "setuid": prepared(setuid, "{place}/suid"),
    "setpriv": program("setpriv", "--reuid=1234", "--regid=4321", "--clear-groups", "{programs}/witness"),
    "setpriv-caps": program("setpriv", "--bounding-set=-all", "--inh-caps=-all", "true"),
    "user-namespace": program("unshare", "--user", "true"),
    "namespaces": program("unshare", "--mount", "--uts", "--ipc", "--net", "--cgroup", "--fork", "true"),
    "init": program("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", "true; true"),
    "chroot": shell("exec chroot / true"),
    "closed-stdin": shell("exec {programs}/witness <&-"),
    "file-stdin": shell("exec {programs}/witness < /etc/passwd"),
    "socket-stdin": shell(f"exec python3 -c '{SOCKET_STDIN}'"),
    "long": lambda programs, place: [str(programs / "true"), *["x" * 100_000] * 8],
    "relative": shell("cd {programs} && ./true && ../{programs}/true"),
    "loader": shell("exec $(ldd {programs}/witness | grep -o '/[^ ]*ld-linux[^ ]*') {programs}/witness"),
    "gone-directory": shell("mkdir -p {place}/d && cd {place}/d && rmdir {place}/d && exec {programs}/true"),
}
