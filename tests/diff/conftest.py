"""Comparisons to show, and where."""

import pytest

from tests.diff.comparisons import two_builds, what_is_hostile
from tests.sinks.conftest import colour_terminal, file, terminal  # noqa: F401  # fixtures, for here too


@pytest.fixture
def builds():
    """Two builds that differ in many ways."""
    return two_builds()


@pytest.fixture
def hostile():
    """Two recordings of what must not be shown as it is."""
    return what_is_hostile()
