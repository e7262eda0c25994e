"""The rules that come with whatran, held against what really happens: what they are about, and what they are not."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

import whatran
from whatran.rules.load import load
from whatran.rules.places import BUILTIN

from .detections import BY_ITSELF, EVERYDAY, SCRIPTS
from .programs import read_until, remove_cgroup
from .truth import cgroup2_mount

QUIET = "quiet"
ALL = {**SCRIPTS, QUIET: EVERYDAY}

ORPHAN = """
import os, sys
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    os.sched_yield()
os.execv(sys.executable, [sys.executable, "-m", "whatran", *sys.argv[1:]])
"""
"""Starts whatran as a child of nobody: below make or pytest, rules take what happens for a test."""


EACH = """
import os, sys
for script, directory in zip(sys.argv[1::2], sys.argv[2::2]):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.chdir(directory)
        os.execvp("sh", ["sh", "-e", "-c", script])
    os.waitpid(pid, 0)
"""
"""Runs scripts one after another, each in its directory."""


@pytest.fixture(scope="module")
def container(_ebpf):
    """A cgroup with the name that a container's has."""
    group = Path(cgroup2_mount()) / f"whatran-{uuid.uuid4().hex}" / f"docker-{uuid.uuid4().hex * 2}.scope"
    group.mkdir(parents=True)
    yield group
    remove_cgroup(group)
    group.parent.rmdir()


@pytest.fixture(scope="module")
def alerts(container):
    """For each script, by its title, the alerts that whatran wrote of it."""
    with tempfile.TemporaryDirectory(prefix="whatran-") as name:
        os.chmod(name, 0o755)
        directories = {title: f"{name}/{number}" for number, title in enumerate(ALL)}
        for directory in directories.values():
            os.mkdir(directory, mode=0o755)
        output = Path(name, "alerts.jsonl")
        options = ["--rules", BUILTIN, "--only-alerts", "--env", "--format", "jsonl", "-o", output]
        scripts = [each for title, script in ALL.items() for each in (script, directories[title])]
        subprocess.run(
            [sys.executable, "-c", ORPHAN, "run", *options, "--", sys.executable, "-c", EACH, *scripts],
            env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, "CONTAINER": container},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # until its end: whoever writes there is no child of ours any more
            check=True,
        )
        found = [json.loads(line) for line in output.read_text().splitlines()]
    return {
        title: [alert for alert in found if alert["process"]["cwd"] == directory]
        for title, directory in directories.items()
    }


@pytest.mark.parametrize("title", SCRIPTS)
def test_fires(alerts, title):
    """A script that does what a rule is about makes it alert."""
    assert title in {alert["rule"] for alert in alerts[title]}


def test_silent_where_nothing_is_wrong(alerts):
    """What is done every day makes none of the rules alert."""
    assert [] == [(alert["rule"], alert["process"]["argv"]) for alert in alerts[QUIET]]


def test_each_rule_has_its_script():
    """None of the rules that alert by themselves is left out."""
    titles = {rule.title for rule in load([BUILTIN]).rules if rule.level != "informational"}

    assert titles == SCRIPTS.keys() | {BY_ITSELF}


def test_a_program_that_the_kernel_started(programs, place, core_pattern):
    """Here to take a core, as nobody else is harmed by that."""
    helper = shutil.copy(programs / "true", place / f"h{uuid.uuid4().hex[:10]}")
    core_pattern.write_text(f"|{helper}")

    with whatran.watch(comm=[helper.name], rules=[BUILTIN / "usermode_helper.yml"]) as watched:
        crashed = subprocess.Popen(["/bin/sh", "-c", "ulimit -c unlimited; kill -SEGV $$"])
        events = read_until(watched, lambda event: event.event == "sched_process_exit")
        crashed.wait()

    assert [(BY_ITSELF, str(helper))] == [
        (event.rule, event.process.pathname) for event in events if isinstance(event, whatran.Alert)
    ]
