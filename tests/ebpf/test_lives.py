"""Every life complete, by the word of those who lived."""

import json
import os
import struct
import subprocess
import sys
from collections import Counter

import msgspec
import pytest

import whatran
from tests.sdists import ARGON2, unpacked
from whatran.process.lives import Life, Lives

from .programs import build

COUNT = 50_000
WIDTH = 64

MIB = 1 << 20

FOLLOW = """
import json, os, sys
import msgspec
import whatran
from whatran.process.lives import Lives

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

encode = msgspec.json.Encoder().encode
lives = Lives()
with open(sys.argv[1], "wb") as out, whatran.watch(sys.argv[2:]) as watch:
    before = most = resident()
    while not watch.ended:
        for event in watch.read():
            for life in lives(event):
                out.write(encode(life) + b"\\n")
        most = max(most, resident())
    for life in lives.finish():
        out.write(encode(life) + b"\\n")
print(json.dumps({"grown": most - before, "lost": watch.stats.lost, "returncode": watch.returncode}))
"""
"""Follows a command and writes lives, keeping none; then how much larger it was than before the first event."""


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """What the follower of a fork bomb said, all lives, and who was born by the bomb's own word."""
    place = tmp_path_factory.mktemp("bomb")
    build(place / "bomb", "bomb.c", "-static")
    # Nice: how much a reader loses that gets no time is told elsewhere.
    command = ["nice", "-n", "19", place / "bomb", str(COUNT), str(WIDTH), place / "born"]
    follower = [sys.executable, "-c", FOLLOW, place / "lives", *command]
    done = subprocess.run(follower, stdout=subprocess.PIPE, check=True)
    lives = msgspec.json.Decoder(Life).decode_lines((place / "lives").read_bytes())
    born = enumerate(struct.iter_unpack("=ii", (place / "born").read_bytes()[16:]), 1)
    return json.loads(done.stdout), lives, dict(born)


def test_every_life_of_a_fork_bomb(bomb):
    """Each of 50,000 short processes has one life: who made it, its arguments and its end, all as it says itself."""
    said, lives, born = bomb

    (command,) = [life for life in lives if life.creator is None]
    short = {int(life.argv[1]): life for life in lives if life is not command}
    assert (COUNT + 1, COUNT, COUNT) == (len(lives), len(short), len(born))
    actual = {number: (life.pid, life.creator_pid, life.exit_code) for number, life in short.items()}
    assert {} == {n: (it, actual[n]) for n, it in born.items() if (*it, n % 128) != actual[n]}
    assert {1} == {len(life.programs) for life in short.values()}
    assert {life.creator for life in short.values()} <= {life.key for life in lives}
    assert [] == incomplete(lives)
    assert (0, 0, 0) == (said["lost"], said["returncode"], command.exit_code)


def test_who_adopts_the_orphans_of_a_fork_bomb(bomb):
    """Whoever outlived its creator ended as a child of the command, which takes all orphans; creators stay the same."""
    _, lives, _ = bomb

    (command,) = [life for life in lives if life.creator is None]
    adopted = [life for life in lives if life.adopted]
    assert {(command.key, command.comm)} == {(life.parent, life.ppid_comm) for life in adopted}
    assert command.key not in {life.creator for life in adopted}


def test_memory_stays_flat_over_a_fork_bomb(bomb):
    """Whoever follows 50,000 lives and keeps none has at no time grown by more than 10 MiB."""
    said, _, _ = bomb

    assert said["grown"] <= 10 * MIB


@pytest.fixture
def sources(pytestconfig, place):
    """Directory of a C project with a makefile: libargon2, as an sdist brings it."""
    return unpacked(pytestconfig.cache, place, *ARGON2) / "extras/libargon2"


def test_every_life_of_a_build(sources, place, monkeypatch):
    """Each process of `make -j2` that says it is there has one life, with all it says it executed, and an end."""
    build(place / "present.so", "present.c", "-shared", "-fPIC")
    (place / "present").touch()
    monkeypatch.setenv("LD_PRELOAD", str(place / "present.so"))
    monkeypatch.setenv("PRESENT", str(place / "present"))
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # of a make that runs the tests
        monkeypatch.delenv(name, raising=False)
    lives = Lives()
    ended = []
    with whatran.watch(["make", "-j2", "-C", str(sources)]) as watch:
        for event in watch:
            ended += lives(event)

    pids, programs = present((place / "present").read_bytes())
    assert ([], 0, 0) == (list(lives.finish()), watch.stats.lost, watch.returncode)
    assert programs.total() > 50
    assert programs == Counter((life.pid, tuple(program.argv)) for life in ended for program in life.programs)
    assert pids <= {life.pid for life in ended}
    assert 1 == len([life for life in ended if life.creator is None])
    assert [] == incomplete(ended)


def present(said):
    """The pids of all who said that they are there, and how often each (pid, argv) was executed."""
    pids, programs = set(), Counter()
    while said:
        pid, length = struct.unpack_from("=ii", said)
        said = said[8:]
        pids.add(pid)
        if length >= 0:
            programs[pid, tuple(map(os.fsdecode, said[:length].split(b"\0")[:-1]))] += 1
            said = said[length:]
    return pids, programs


def incomplete(lives):
    """The lives of which the end or some argument is not known."""
    return [
        life
        for life in lives
        if life.running is not False
        or life.exit_code is None
        or life.duration is None
        or any(program.argv is None or program.truncated for program in life.programs)
    ]
