from dataclasses import replace

import pytest

from bench.soaked import COUNTED, GROWTH_KIB, Counted, Held, Sample, Soak, Watched, as_markdown, faults, growth_kib

MADE = {"execs": 100, "forks": 103, "exits": 103}
HELD = Held(rss_kib=40_000, descriptors=32, threads=1, programs=6, maps=10)
COUNTS = {name: Counted(made, 3, made - 3) for name, made in MADE.items()}


def soak(samples=None, **given):
    """One in which all was well, but for what is given."""
    made = samples or [Sample(60.0 * at, 10 * at, HELD, COUNTS, 0, 99) for at in range(10)]
    watched = [Watched("watch", made, 0), Watched("record", made, 0)]
    kept = {name: COUNTS[name].received for name in COUNTED}
    return replace(Soak(600.0, MADE, watched, kept, [], 10, 1_000_000), **given)


def sampled(change):
    """One of which the last sample differs."""
    *rest, last = soak().watched[0].samples
    return soak([*rest, replace(last, **change)])


def test_nothing_is_wrong():
    """Where all that was made was received or lost, memory is flat and what is held the same."""
    assert [] == faults(soak())


def test_growth_is_that_of_the_medians():
    """Of the halves: a sample that stands out does not count, nor does what the first half has grown by."""
    sizes = [10, 20, 30, 30, 30, 31, 31, 99, 31, 31]
    samples = [Sample(0, 0, replace(HELD, rss_kib=size), COUNTS, 0, 99) for size in sizes]

    assert 1 == growth_kib(samples)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (
            soak([Sample(0, 0, replace(HELD, rss_kib=at), COUNTS, 0, 99) for at in (1, 2 + GROWTH_KIB)]),
            "memory grew by",
        ),
        (sampled({"held": replace(HELD, descriptors=33)}), "descriptors varied from 32 to 33"),
        (sampled({"held": replace(HELD, threads=2)}), "threads varied from 1 to 2"),
        (sampled({"held": replace(HELD, maps=9)}), "maps varied from 9 to 10"),
        (sampled({"lost_steady": 1}), "1 were lost though"),
        (sampled({"counts": COUNTS | {"forks": Counted(104, 4, 100)}}), "104 forks were seen, and 103 made"),
        (sampled({"counts": COUNTS | {"execs": Counted(100, 3, 96)}}), "of 100 execs 96 were received and 3 lost"),
        (soak(watched=[Watched("watch", soak().watched[0].samples, 1)]), "status 1"),
        (soak(kept={"execs": 96, "forks": 100, "exits": 100}), "it has 96 execs, and 97 were received"),
        (soak(damage=["some.wr: bytes 1 to 2"]), "some.wr: bytes 1 to 2"),
    ],
)
def test_what_is_wrong_is_said(found, what):
    """Each in the verdict, where it is to be read."""
    said = faults(found)

    assert any(what in each for each in said)
    assert f"Verdict: {'; '.join(said)}." in as_markdown(found)


def test_the_page_has_some_of_the_samples():
    """The first and the last among them."""
    lines = [line for line in as_markdown(soak()).splitlines() if line.startswith("| ")]

    assert [2 * (7 + 2), "0.0", "9.0"] == [len(lines), lines[2].split()[1], lines[8].split()[1]]
