"""Which processes a watch is about: named by pid, tree, cgroup or container, and those left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from whatran.errors import UsageError
from whatran.process.containers import Containers, cgroups_of
from whatran.source import cgroupfs
from whatran.source.procfs import Stat, descendants, process_of, stat_of
from whatran.wire import layout

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from whatran.source.choose import Source

SCOPE_TREE = layout.SCOPE_SELF | layout.SCOPE_TREE
OUT = layout.SCOPE_OUT


@dataclass(frozen=True, slots=True)
class Scope:
    """All processes there are, where nothing is named."""

    command: Sequence[str] | None = None
    pids: tuple[int, ...] = ()
    trees: tuple[int, ...] = ()
    not_trees: tuple[int, ...] = ()
    cgroups: tuple[Path, ...] = ()
    not_cgroups: tuple[Path, ...] = ()

    @property
    def limited(self) -> bool:
        """Whether it is not all."""
        return self.command is not None or bool(self.pids or self.trees or self.cgroups)

    @property
    def by_pid(self) -> bool:
        """Whether the kernel program has to remember processes for it."""
        return self.limited or bool(self.not_trees)

    def has(self, bits: int, cgroup: str | None) -> bool:
        """Whether a process is in it, by what the kernel program has noted of it, and by its cgroup."""
        if bits & OUT or any(_is_below(cgroup, path) for path in self.not_cgroups):
            return False
        return not self.limited or bool(bits & layout.SCOPE_SELF) or any(_is_below(cgroup, it) for it in self.cgroups)


def cgroups(paths: Collection[str], containers: Collection[str]) -> tuple[Path, ...]:
    """The directories of cgroups and of running containers; UsageError for what is not there, or too many."""
    found = [cgroupfs.directory(path) for path in paths]
    known = Containers()
    for name in containers:
        found += cgroups_of(name, cgroupfs.root(), known)
    if len(found) > layout.SETTINGS_CGROUPS:
        raise UsageError(
            f"these are {len(found)} cgroups: give {layout.SETTINGS_CGROUPS} at the most, or one above them"
        )
    return tuple(found)


def attach(source: Source, scope: Scope) -> None:
    """Attaches a source with a scope in force: what its processes do from now on is recorded, and nothing else."""
    for pid in (*scope.pids, *scope.trees, *scope.not_trees):
        _check_process(pid)
    marked = _mark(source, scope)
    source.attach()
    # Children made from now on are marked by the kernel program, if their parents are: so look until all are.
    while new := _mark(source, scope):
        marked |= new
    for pid, started in marked.items():
        now = stat_of(pid)
        if now is None or now.start_time != started.start_time:  # its pid may be another's by now
            source.scope(pid, 0)


def _mark(source: Source, scope: Scope) -> dict[int, Stat]:
    """Notes in the kernel who is in the scope, and who is left out of it, of those there are; who was not noted yet."""
    marks: dict[int, int] = {}
    stats: dict[int, Stat] = {}
    for roots, bits in ((scope.pids, layout.SCOPE_SELF), (scope.trees, SCOPE_TREE), (scope.not_trees, OUT)):
        for root in roots:
            below = descendants(root) if bits != layout.SCOPE_SELF else {}
            if stat := stat_of(root):
                below[root] = stat
            stats |= below
            marks |= dict.fromkeys(below, bits)
    new = {pid: bits for pid, bits in marks.items() if source.scope_of(pid) != bits}
    for pid, bits in new.items():
        source.scope(pid, bits)
    return {pid: stats[pid] for pid in new}


def _is_below(cgroup: str | None, directory: Path) -> bool:
    return PurePath(cgroup or "/").is_relative_to(cgroupfs.path_of(directory))


def _check_process(pid: int) -> None:
    """UsageError where there is no such process."""
    process = process_of(pid)
    if process is None:
        raise UsageError(f"there is no process {pid}, or /proc hides it from us (hidepid); `ps -e` lists them")
    if process != pid:
        raise UsageError(f"{pid} is a thread of process {process}: give that")
