"""What `make fuzz` does for long, for a moment: each target is given the inputs that are kept, and others like them."""

import functools
import importlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import TARGETS, proc
from whatran.event import Exec

KEPT = Path(__file__).parent.parent / "data/fuzz"
MOST_KEPT_BYTES = 64 << 10


@functools.cache
def kept(name):
    """The inputs of a target, each by its name."""
    return {path.name: path.read_bytes() for path in sorted((KEPT / name).iterdir())}


def check(name, data):
    """Has a target try it."""
    importlib.import_module(f"fuzz.{name}").check(data)


@st.composite
def damaged(draw, name):
    """An input that is kept, with some bytes others, some gone, and some of another input in it."""
    data = bytearray(draw(st.sampled_from(sorted(kept(name).values()))))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "drop", "insert", "another"])):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=8))
            case "drop":
                del data[at : at + draw(st.integers(1, 64))]
            case "insert":
                data[at:at] = draw(st.binary(max_size=64))
            case "another":
                other = draw(st.sampled_from(sorted(kept(name).values())))
                begin = draw(st.integers(0, len(other)))
                data[at:at] = other[begin : begin + draw(st.integers(1, 1024))]
    return bytes(data)


@pytest.mark.parametrize(("name", "which"), [(name, which) for name in TARGETS for which in kept(name)])
def test_kept_inputs(name, which):
    """What has failed once, and what leads far into the code, gives no more than it may."""
    check(name, kept(name)[which])


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_any_bytes(name, data):
    """Bytes that are of no kind raise nothing but what is said of them."""
    check(name, data.draw(st.binary(max_size=2000)))


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_bytes_that_are_nearly_right(name, data):
    """Nor do those that differ a little from what is right."""
    check(name, data.draw(damaged(name)))


def test_what_is_kept_is_small():
    """The inputs are for everybody who has the sources."""
    assert sum(len(data) for name in TARGETS for data in kept(name).values()) < MOST_KEPT_BYTES


@pytest.mark.parametrize("which", ["32-bit", "64-bit"])
def test_kept_processes_are_read(which):
    """The target gets as far as the strings on the stack: it does not end where it begins."""
    exec_, *_ = [event for event in proc.events(kept("proc")[which]) if isinstance(event, Exec) and not event.repaired]

    assert (["p", "-x"], ["A=1"], "/s", "a) b") == (exec_.argv, exec_.env, exec_.cmdpath, exec_.comm)
