"""What a soak has found: whether memory stayed flat, whether anything was left open, whether all is accounted for."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bench.report import machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROWTH_KIB = 2048
"""So much more may the median of the second half be than that of the first: what malloc(3) keeps varies by as much."""

STEADY_RATE = 2_000
"""Execs a second that two cores have time to tell, whoever else wants them."""

ROWS = 7
"""Of a table; all samples are in the verdict."""

COUNTED = ("execs", "forks", "exits")


@dataclass(frozen=True)
class Held:
    """What a process holds at one time."""

    rss_kib: int
    descriptors: int
    threads: int
    programs: int
    maps: int


@dataclass(frozen=True)
class Counted:
    """Of one kind of event, as whatran says it."""

    seen: int = 0
    lost: int = 0
    received: int = 0


@dataclass(frozen=True)
class Sample:
    """What was found while the load waited."""

    seconds: float
    """Since the beginning."""
    execs: int
    """How many the load had made by then."""
    held: Held
    counts: dict[str, Counted]
    lost_steady: int
    """Lost while there was time to tell all."""
    living: int
    """Processes on the machine: after a loss all of them are looked at, so memory goes by the most there were."""

    @property
    def lost(self) -> int:
        return sum(each.lost for each in self.counts.values())


@dataclass(frozen=True)
class Watched:
    """How one whatran did."""

    name: str
    samples: Sequence[Sample]
    status: int


@dataclass(frozen=True)
class Soak:
    """All of it."""

    seconds: float
    made: dict[str, int]
    """What the load has made, by its own count."""
    watched: Sequence[Watched]
    kept: dict[str, int]
    """What was found in the files of the recording."""
    damage: Sequence[str]
    """What could not be read of them."""
    files: int
    bytes: int


def growth_kib(samples: Sequence[Sample]) -> float:
    """How much larger it was in the second half, by the medians."""
    half = len(samples) // 2
    early, late = (statistics.median(each.held.rss_kib for each in part) for part in (samples[:half], samples[half:]))
    return late - early


def faults(soak: Soak) -> list[str]:
    """What is not as it should be, a sentence each."""
    found = [f"the recording: {each}" for each in soak.damage]
    for watched in soak.watched:
        found += (f"{watched.name}: {each}" for each in _faults_of(watched, soak.made))
    for name in COUNTED:
        received = soak.watched[-1].samples[-1].counts[name].received
        if soak.kept[name] != received:
            found.append(f"the recording: it has {soak.kept[name]:,} {name}, and {received:,} were received")
    return found


def _faults_of(watched: Watched, made: dict[str, int]) -> list[str]:
    found = []
    if watched.status:
        found.append(f"it ended with status {watched.status}")
    if (growth := growth_kib(watched.samples)) > GROWTH_KIB:
        found.append(f"its memory grew by {growth:,.0f} KiB")
    for field in fields(Held):
        values = {getattr(each.held, field.name) for each in watched.samples}
        if field.name != "rss_kib" and len(values) > 1:
            found.append(f"its {field.name} varied from {min(values)} to {max(values)}")
    if lost := watched.samples[-1].lost_steady:
        found.append(f"{lost:,} were lost though no more than {STEADY_RATE:,} execs a second were made")
    for name in COUNTED:
        last = watched.samples[-1].counts[name]
        if last.seen != made[name]:
            found.append(f"{last.seen:,} {name} were seen, and {made[name]:,} made")
        if last.seen != last.received + last.lost:
            found.append(f"of {last.seen:,} {name} {last.received:,} were received and {last.lost:,} lost")
    return found


PAGE = """\
{cores} cores of {cpu}{virtual}, {memory_gib} GiB, {system}, Linux {kernel}, Python {python} did all of it:
the load, two whatrans, and what else the machine had to do; the load average was {load_average}.

In {minutes:.1f} minutes the load made {made}; that are {rate:,.0f} execs a second, by turns as many as
there could be, and {steady:,} a second.

{watched}
In the {files} files of the recording, {megabytes:,.0f} MB, were {kept}, {readable}.

Verdict: {verdict}.
"""

WATCHED = """\
`{name}`

| minute | execs so far | resident | descriptors | threads | programs | maps | lost, at most | lost, at {steady:,}/s \
| living |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

Resident memory was {least:.1f} to {most:.1f} MiB in {samples} samples; the median of the second half differs from
that of the first by {growth:+.2f} MiB. Seen: {seen}; lost, each counted: {lost:,} of these.
"""


def as_markdown(soak: Soak) -> str:
    """The part of the page that a run writes."""
    return PAGE.format(
        **machine(),
        minutes=soak.seconds / 60,
        made=_list(soak.made),
        rate=soak.made["execs"] / soak.seconds,
        steady=STEADY_RATE,
        watched="\n".join(map(_watched, soak.watched)),
        files=soak.files,
        megabytes=soak.bytes / 1e6,
        kept=_list(soak.kept),
        readable="not all of which could be read" if soak.damage else "and all could be read",
        verdict="; ".join(faults(soak))
        or "memory flat; descriptors, threads and BPF objects always the same; each event told or counted as lost",
    )


def _watched(watched: Watched) -> str:
    last, rss = watched.samples[-1], [each.held.rss_kib / 1024 for each in watched.samples]
    return WATCHED.format(
        name=watched.name,
        steady=STEADY_RATE,
        rows="\n".join(map(_row, _some(watched.samples))),
        least=min(rss),
        most=max(rss),
        samples=len(rss),
        growth=growth_kib(watched.samples) / 1024,
        seen=_list({name: last.counts[name].seen for name in COUNTED}),
        lost=last.lost,
    )


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in COUNTED)


def _some(samples: Sequence[Sample]) -> list[Sample]:
    """The first, the last, and those evenly between."""
    most = min(ROWS, len(samples))
    return [samples[round(at * (len(samples) - 1) / max(1, most - 1))] for at in range(most)]


def _row(sample: Sample) -> str:
    held = sample.held
    cells = (
        f"{sample.seconds / 60:.1f}",
        f"{sample.execs:,}",
        f"{held.rss_kib / 1024:.1f} MiB",
        held.descriptors,
        held.threads,
        held.programs,
        held.maps,
        f"{sample.lost - sample.lost_steady:,}",
        f"{sample.lost_steady:,}",
        f"{sample.living:,}",
    )
    return f"| {' | '.join(map(str, cells))} |"
