"""The table of contents of the package."""

import types

import pytest

import whatran


def test_names_are_sorted():
    """`__all__` is in plain order, without a name twice."""
    expected = sorted(set(whatran.__all__))

    assert expected == whatran.__all__


def test_names_are_the_public_ones():
    """`__all__` is all that the package has without an underscore; its rooms and __future__ are not meant."""
    expected = {
        name
        for name in vars(whatran)
        if not name.startswith("_")
        and not isinstance(getattr(whatran, name), types.ModuleType)
        and name != "annotations"
    }

    assert expected == {name for name in whatran.__all__ if not name.startswith("_")}


@pytest.mark.parametrize("name", [name for name in whatran.__all__ if not name.startswith("_")])
def test_names_are_documented(name):
    """Every public function and class says what it is."""
    assert getattr(whatran, name).__doc__
