"""A baseline, live: what is new in a tree is told once, as it happens, and Ctrl-C ends it with a status."""

import json
import os
import select
import signal
import subprocess
import sys

import pytest

from tests.ebpf.shells import Shell
from whatran.cli import main

WHATRAN = [sys.executable, "-m", "whatran"]
AS_NOBODY = "setpriv --reuid 65534 --clear-groups"


@pytest.fixture
def baseline(place):
    """What a shell may start."""
    path = place / "b.yml"
    path.write_text(
        "whatran_baseline: 1\nallowed:\n- pathname: '*/env'\n  user: root\n  parents: ['*/dash']\n"
        "  argv:\n  - ['*/env', -u, ...]\n- pathname: '*/setpriv'\n"
    )
    return path


def start_check(baseline, shell):
    """A check of what runs below the shell."""
    command = [*WHATRAN, "check", "--format", "jsonl", "--tree", str(shell.pid), str(baseline)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_live(baseline):
    """Each new thing once, with its nearest and the field that differs; what is permitted is not told."""
    with Shell() as shell, start_check(baseline, shell) as checking:
        while not select.select([checking.stdout], [], [], 0)[0]:
            shell.do("/usr/bin/true")  # until the watch is in force
        first = json.loads(checking.stdout.readline())
        shell.do(
            "/usr/bin/env -u a", "/usr/bin/env -u b", f"{AS_NOBODY} /usr/bin/env -u b", "/usr/bin/env", "/usr/bin/true"
        )
        checking.send_signal(signal.SIGINT)
        out, err = checking.communicate()
    told = [first, *map(json.loads, out.splitlines())]

    assert [(["/usr/bin/true"], []), (["/usr/bin/env", "-u", "b"], ["user"]), (["/usr/bin/env"], ["argv"])] == [
        (each["argv"], each["differs"]) for each in told
    ]
    assert os.path.realpath("/bin/sh") == first["parents"][0]
    assert first["parents"][1].endswith(os.path.basename(os.path.realpath(sys.executable)))
    assert 1 == checking.returncode
    assert "3 new, " in err


def test_a_command_and_its_recording(place):
    """What is learned by eBPF is what is learned by ptrace, and of a recording of it."""
    command = ["--", "sh", "-c", "(echo $$ | cat); f=$(mktemp); sort $f; rm $f; env true"]
    files = [place / name for name in ("ebpf.yml", "ptrace.yml", "recorded.yml")]
    for source, path in zip(("ebpf", "ptrace"), files, strict=False):
        main(["learn", "--source", source, "-o", str(path), *command])
    main(["record", "-o", str(place / "r.wr"), *command])
    main(["learn", "-o", str(files[2]), str(place / "r.wr")])

    assert 1 == len({path.read_text() for path in files})
    assert 0 == main(["check", str(files[0]), *command])
