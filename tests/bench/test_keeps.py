import json

import pytest

from bench.keeps import SHAPES, arguments, shares

ALL = [argument for number, shape in enumerate(SHAPES.values()) for argument in arguments(number, *shape)]


@pytest.mark.parametrize(
    "told",
    [
        " ".join(ALL),
        json.dumps(ALL),
        "\n".join(argument.encode().hex().upper() for argument in ALL),
        # In pieces, as audit tells long ones.
        "\n".join(argument[at : at + 7500] for argument in ALL for at in range(0, len(argument), 7500)),
        " ".join(ALL) + "\n" + " ".join(ALL),
    ],
)
def test_all_that_is_told_is_kept(told):
    """As words, as JSON, as hexadecimal digits, in pieces, twice: all is all."""
    assert dict.fromkeys(SHAPES, 1.0) == shares(told.encode())


def test_what_is_cut_is_not_kept():
    """Of arguments that are missing or short only the bytes that are there count."""
    told = " ".join([*arguments(0, 20, 24)[:15], *arguments(1, 200, 24)[:20], arguments(3, 1, 100_000)[0][:1000]])
    assert {"20 arguments": 0.75, "200 arguments": 0.1, "one of 2 KB": 0.0, "one of 100 KB": 0.01} == shares(
        told.encode()
    )


def test_nothing_is_known_of_what_has_no_text():
    """A monitor that writes nowhere is not one that keeps nothing."""
    assert {} == shares(b"")
