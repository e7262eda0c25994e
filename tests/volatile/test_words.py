"""Where two command lines differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatran.volatile.words import pieces, words


def told(left, right):
    """The pieces, in short."""
    return [(piece.side, [word.text for word in piece.words]) for piece in pieces(left, right)]


@pytest.mark.parametrize(
    ("expected", "left", "right"),
    [
        ([("both", ["cc", "a.c"])], ["cc", "a.c"], ["cc", "a.c"]),
        (
            [("both", ["cc"]), ("left", ["-O2"]), ("right", ["-O3"]), ("both", ["a.c"])],
            ["cc", "-O2", "a.c"],
            ["cc", "-O3", "a.c"],
        ),
        ([("both", ["cc"]), ("right", ["-g"]), ("both", ["a.c"])], ["cc", "a.c"], ["cc", "-g", "a.c"]),
        ([("both", ["cc", "a.c"]), ("left", ["-g"])], ["cc", "a.c", "-g"], ["cc", "a.c"]),
        ([("left", ["a"]), ("right", ["b"])], ["a"], ["b"]),
        ([("right", ["a"])], [], ["a"]),
        ([], [], []),
        (
            [("both", ["sh", "-c", "cd", "x;"]), ("left", ["ls"]), ("right", ["rm"]), ("both", ["y", "z"])],
            ["sh", "-c", "cd x; ls y z"],
            ["sh", "-c", "cd x; rm y z"],
        ),
        ([("both", ["x"]), ("left", [""]), ("both", ["y"])], ["x", "", "y"], ["x", "y"]),
        ([("left", ["a  b"]), ("right", ["a b"])], ["a  b"], ["a b"]),
        ([("left", ["a", "b"]), ("right", ["a", "b"])], ["a", "b"], ["a b"]),
    ],
)
def test_where_they_differ(expected, left, right):
    """Word by word, within an argument too."""
    assert expected == told(left, right)


ARGV = st.lists(st.text("ab \n", max_size=4), max_size=6)


@given(ARGV, ARGV)
def test_both_sides_can_be_read_back(left, right):
    """All words of either side are there, in their order; what is equal has no difference, what is not has one."""
    found = pieces(left, right)

    for side, argv in (("left", left), ("right", right)):
        texts = [word.text for piece in found if piece.side in ("both", side) for word in piece.words]
        assert "".join("".join(argv).split()) == "".join("".join(texts).split())
    assert (left != right) == any(piece.side != "both" for piece in found)


def test_many_equal_words():
    """What would take too long to compare differs as a whole, but for what both begin and end with."""
    left, right = ["a"] * 200, ["a", "b"] * 100

    assert [("both", ["x", "a"]), ("left", ["a"] * 199), ("right", ["b", "a"] * 99 + ["b"]), ("both", ["y"])] == told(
        ["x", *left, "y"], ["x", *right, "y"]
    )


def test_words_know_their_argument():
    """Where one begins and ends, so that it can be quoted."""
    assert [("a", True, False), ("b", False, True), ("c", True, True)] == [tuple(word) for word in words(["a b", "c"])]
