import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.estimate import Estimate, estimate, percent_more, percentile, share


@pytest.mark.parametrize(("count", "at"), [(6, 0), (7, 0), (8, 0), (9, 1), (11, 1), (12, 2), (20, 5), (25, 7)])
def test_the_interval_lies_between_the_values_that_tables_of_the_sign_test_give(count, at):
    """The interval of the median with 95 % or more, for n values: from the value at that place to that from the end."""
    expected = Estimate((count - 1) / 2, at, count - 1 - at, count, sure=True)
    assert expected == estimate(reversed(range(count)))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_too_few_rounds_are_sure_of_nothing(count):
    """Of fewer than six values there are the least and the most, and nothing is called noise."""
    found = estimate(value - 1 for value in range(count))
    assert (-1, count - 2, False, False) == (found.low, found.high, found.sure, found.noise)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1, 2, 3, 4, 5, 6], True),
        ([1, 2, 3, 4, 5, 6], False),
        ([-6, -5, -4, -3, -2, -1], False),
        ([0, 1, 2, 3, 4, 5], True),
        ([-1, 1, 2, 3, 4, 5, 6, 7, 8], False),
    ],
)
def test_noise_is_what_may_be_zero(values, expected):
    """A figure is noise where its interval holds zero, and not by its least value alone."""
    assert expected is estimate(values).noise


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_a_median_is_in_its_interval(values):
    """Whatever the values are, the median is between the ends of its interval, and these are values."""
    found = estimate(values)
    assert found.low <= found.median <= found.high
    assert {found.low, found.high} <= set(values)


def test_more_is_more_than_the_mean_of_the_neighbours():
    """A run is compared with the mean of those on both sides, so that a steady change of the machine cancels out."""
    assert 50 == percent_more(3.0, [1.0, 3.0])


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(percent, expected):
    """Of one to a hundred, each percentile is the number itself."""
    assert expected == percentile(list(range(1, 101)), percent)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (70_000, 70_000, "100 %"),
        (69_999, 70_000, "99.99 %"),
        (1, 70_000, "< 0.01 %"),
        (0, 70_000, "0 %"),
        (71_000, 70_000, "101.42 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part, whole, expected):
    """One exec lost of very many shows."""
    assert expected == share(part, whole)
