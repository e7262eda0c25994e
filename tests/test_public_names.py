"""The table of contents of the package."""

import ast
import types
from pathlib import Path

import pytest

import whatran


def test_names_are_sorted():
    """`__all__` is in plain order, without a name twice."""
    expected = sorted(set(whatran.__all__))

    assert expected == whatran.__all__


def test_names_are_the_public_ones():
    """`__all__` is all that there is, each from where it is defined; nothing of it is a module."""
    loaded = {name: getattr(whatran, name) for name in whatran.__all__}

    assert whatran.__all__ == dir(whatran)
    assert {name for names in whatran._HOMES.values() for name in names} == loaded.keys() - {"__version__"}
    assert [] == [name for name, value in loaded.items() if isinstance(value, types.ModuleType)]
    assert [] == [
        (home, name) for home, names in whatran._HOMES.items() for name in names if loaded[name].__module__ != home
    ]


def test_there_is_nothing_else():
    """A name that is none is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'wacht'"):
        whatran.wacht  # noqa: B018


def test_types_are_what_is_loaded():
    """What a type checker is told comes from where it comes from."""
    told = {
        node.module: tuple(alias.name for alias in node.names)
        for node in ast.walk(ast.parse(Path(whatran.__file__).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("whatran.")
    }
    told.pop("whatran._version")

    assert told == whatran._HOMES


@pytest.mark.parametrize("name", [name for name in whatran.__all__ if not name.startswith("_")])
def test_names_are_documented(name):
    """Every public function and class says what it is."""
    assert getattr(whatran, name).__doc__
