import re
import struct
from pathlib import Path

import pytest

from tests.wire.btf import Btf
from whatran.source.ebpf import OBJECT, PIDS_ROW_BYTES, PIDS_ROWS
from whatran.wire import layout

WIRE = Path(__file__).parent.parent.parent / "bpf/wire.h"


@pytest.fixture(scope="module", name="btf")
def _btf(_object):
    return Btf(OBJECT.read_bytes())


def flat(*parts):
    """(size, [(field, offset, size)]) of (prefix, fields) parts one after another."""
    at, fields = 0, []
    for prefix, part in parts:
        for name, code in part:
            size = struct.calcsize("<" + code)
            fields.append((prefix + name, at, size))
            at += size
    return at, fields


HEAD = (("head.", layout.FRAME), ("task.", layout.TASK))
TEXTS = tuple((f"{name}.", layout.TEXT_SIZE) for name in layout.TEXTS)
FILES = tuple((f"{name}.", layout.FILE_ID) for name in layout.FILES)
FAILED_TEXTS = tuple((f"{name}.", layout.TEXT_SIZE) for name in layout.FAILED_TEXTS)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("exec_frame", (*HEAD, ("", layout.EXEC_BEFORE), *FILES, *TEXTS, ("", layout.EXEC_REST))),
        ("fork_frame", (*HEAD, ("", layout.FORK_REST))),
        ("exit_frame", (*HEAD, ("", layout.EXIT_REST))),
        ("failed_frame", (*HEAD, *FAILED_TEXTS, ("", layout.FAILED_REST))),
        ("text_frame", (("head.", layout.FRAME), ("", layout.TEXT_REST))),
        ("settings", (("", layout.SETTINGS),)),
        ("counters", (("", layout.COUNTERS),)),
    ],
)
def test_structs_equal_those_of_the_built_object(btf, name, parts):
    """Every field has the name, offset and size that the kernel program writes it with."""
    assert btf.struct(name) == flat(*parts)


def test_no_struct_has_padding(btf):
    """Each byte that the kernel program sends or is told is a field's, in every struct of the contract."""
    names = re.findall(r"^struct (\w+) \{$", WIRE.read_text(), re.MULTILINE)

    assert {"frame", "task", "file_id", "text", "exec_frame"} < set(names)
    for name in names:
        size, fields = btf.struct(name)
        ends = [at + bytes_ for _, at, bytes_ in fields]
        assert [at for _, at, _ in fields] + [size] == [0, *ends], name


@pytest.mark.parametrize(
    ("enum", "values"),
    [
        (
            "frame_kind",
            {
                "FRAME_EXEC": layout.EXEC,
                "FRAME_FORK": layout.FORK,
                "FRAME_EXIT": layout.EXIT,
                "FRAME_TEXT": layout.TEXT,
                "FRAME_FAILED": layout.FAILED,
                "FRAME_KINDS": len(layout.KINDS) + 1,
            },
        ),
        (
            "exec_flag",
            {
                "EXEC_FROM_KERNEL": layout.EXEC_FROM_KERNEL,
                "EXEC_SECURE": layout.EXEC_SECURE,
                "EXEC_ENV": layout.EXEC_ENV,
                "EXEC_REPAIRED": layout.EXEC_REPAIRED,
                "EXEC_UNEXECUTED": layout.EXEC_UNEXECUTED,
                "EXEC_CUT": layout.EXEC_CUT,
            },
        ),
        ("file_flag", {"FILE_DETACHED": layout.FILE_DETACHED, "FILE_UPPER": layout.FILE_UPPER}),
        ("text_of", {"TEXT_ARGV": layout.TEXT_ARGV, "TEXT_ENV": layout.TEXT_ENV}),
        ("exit_flag", {"EXIT_GROUP": layout.EXIT_GROUP}),
    ],
)
def test_enums_equal_those_of_the_built_object(btf, enum, values):
    """The numbers that mean something are the same on both sides."""
    assert btf.enum(enum) == values


def test_unread_bits_are_those_of_their_fields(btf):
    """Each bit stands for the fields that it is named for."""
    short = {
        "interpreter_pathname": "interpreter",
        "script_pathname": "script",
        "stdin_path": "stdin",
        "prev_comm": "before",
    }

    assert btf.enum("unread") == {
        f"UNREAD_{short.get(names[0], names[0]).upper()}": bit for bit, names in layout.UNREAD.items()
    }


def test_pids_table_has_a_byte_for_every_pid():
    """The scope table is as large as PID_MAX_LIMIT of a 64-bit kernel."""
    assert PIDS_ROWS * PIDS_ROW_BYTES == 4 * 1024 * 1024
