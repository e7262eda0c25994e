"""Names that are new each time."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diff.recorded import executions
from whatran.diff.normalise import normalise

MKSTEMP = string.ascii_letters + string.digits
PYTHON = string.ascii_lowercase + string.digits + "_"


def names(left, right):
    """What becomes of these arguments of either recording."""
    sides = (executions(*(("x", argument) for argument in side)) for side in (left, right))
    both, _ = normalise(*sides, {"temporary"})
    return tuple([it.argv[-1] for it in side.all[1:]] for side in both)


def test_what_both_have_is_not_new():
    """However random it looks."""
    same = ["/tmp/ccaB3dE6.s", "/opt/x-aB3dE6/bin"]

    assert (same, same) == names(same, same)


def test_a_template_among_the_arguments():
    """What mktemp(1) was told to make is known from that, whatever it looks like."""
    left, right = ["./buildXXXX.d", "buildtree.d/x"], ["./buildXXXX.d", "buildfoot.d/x"]

    assert (["./buildXXXX.d", "buildXXXX.d/x"],) * 2 == names(left, right)


def test_a_template_of_nothing_but_random_characters():
    """It would fit too much."""
    left, right = ["XXXXXX", "src/reader"], ["XXXXXX", "src/writer"]

    assert (left, right) == names(left, right)


def test_names_that_stand_alone():
    """Once a name is known to be temporary it is so wherever it stands."""
    assert (["/tmp/ccXXXXXX.s", "ccXXXXXX.s"], ["/tmp/ccXXXXXX.s"]) == names(
        ["/tmp/ccaB3dE6.s", "ccaB3dE6.s"], ["/tmp/ccZyXwVu.s"]
    )


def test_a_name_longer_than_any_file_has():
    """It is none."""
    left, right = [f"/tmp/{'a' * 250}aB3dE6"], [f"/tmp/{'a' * 250}Zy9wVu"]

    assert (left, right) == names(left, right)


@pytest.mark.parametrize(("prefix", "length", "alphabet", "suffix"), [("x-", 8, PYTHON, ""), ("y", 6, MKSTEMP, ".o")])
def test_what_is_random_is_found(prefix, length, alphabet, suffix):
    """Of many names that a maker has made, the part it has made is found, and nothing of the rest."""
    rng = random.Random(1)  # noqa: S311  # the same each time
    left, right = (
        [f"/tmp/{prefix}{''.join(rng.choices(alphabet, k=length))}{suffix}" for _ in range(50)] for _ in "12"
    )

    assert ([f"/tmp/{prefix}{'X' * length}{suffix}"] * 50,) * 2 == names(left, right)


@given(*[st.lists(st.text("abX1/._-", max_size=12), max_size=5)] * 2)
def test_sides_are_treated_alike(left, right):
    """It makes no difference which recording comes first, and texts only change where both are compared."""
    assert names(left, right) == names(right, left)[::-1]
