"""Events to the tables that a page shows; pure.

What is kept is what the page will hold, columns of numbers and each text once; and the processes that are alive.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from whatran.event import Exec, Gap
from whatran.process.lives import Failure, Life, Lives
from whatran.report.columns import Once, Table, Texts, kinds
from whatran.report.order import order

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from whatran.event import Event

OF_FILE = (
    *("pathname", "dev", "inode", "ctime", "inode_mode", "deleted", "memfd", "upper_layer"),
    *("script_pathname", "script_dev", "script_inode", "script_ctime", "interp"),
    *("interpreter_pathname", "interpreter_dev", "interpreter_inode", "interpreter_ctime"),
)
"""Fields of an exec that are the same for most runs of a program."""

OF_PLACE = (
    *("user", "uid", "group", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid", "loginuid", "audit_session"),
    *("prev_euid", "prev_egid", "cap_effective", "prev_cap_effective", "secureexec"),
    *("session_id", "process_group", "tty", "stdin_type", "invoked_from_kernel", "ancestors"),
    *("cgroup_id", "cgroup", "unit", "slice", "pod_uid", "pod_name", "pod_namespace"),
    *("container_id", "container_name", "container_image"),
    *("mnt_ns", "pid_ns", "user_ns", "net_ns", "uts_ns", "ipc_ns", "cgroup_ns"),
)
"""Fields of an exec that are the same for most programs that run side by side."""

OF_LIFE = ("schema", "event", "boot_id", "pid", "process_start_time", "creator_pid", "creator_start_time")
"""Fields of an exec that its process has."""

LEFT_OUT = ("env",)
"""Environments hold secrets, and a page is passed on."""


class Rows(NamedTuple):
    """A table that is done: of each column what its values are, and these."""

    kinds: Mapping[str, str]
    columns: Mapping[str, Sequence[int]]


class Collected(NamedTuple):
    """All that a page shows."""

    tables: dict[str, Rows]
    texts: Texts
    since: int
    """When the first event was, in ns since the epoch."""
    until: int
    """When the last one was."""
    counts: dict[str, int]


class Collector:
    """Takes events, those of one process in their order, as a Lives does."""

    def __init__(self, *, filtered: bool = False) -> None:
        """``filtered`` says that exits may be missing of processes whose other events are not."""
        self._lives = Lives(filtered=filtered)
        self._open: dict[Hashable, list[int]] = {}  # of each process that has not ended the rows of its execs
        self._keys: list[Hashable] = []
        self._creators: list[Hashable] = []
        self._of_process: list[tuple[Sequence[int], Sequence[int]]] = []
        self._first = self._last = 0
        self._counts = dict.fromkeys(("events", "execs", "lost"), 0)

        self._texts = texts = Texts()
        life = kinds(Life, without=("schema", "event", "pathname", "argv", "programs", "failures"))
        self._processes = Table(texts, life)
        exec_ = kinds(Exec, without=(*OF_LIFE, *LEFT_OUT))
        self._files = Once(Table(texts, {name: exec_.pop(name) for name in OF_FILE}))
        self._places = Once(Table(texts, {name: exec_.pop(name) for name in OF_PLACE}))
        self._execs = Table(texts, exec_)
        self._file_of, self._place_of = array("q"), array("q")
        self._failures = Table(texts, kinds(Failure))
        self._gaps = Table(texts, kinds(Gap, without=("schema", "event", "boot_id")))

    def __call__(self, event: Event) -> None:
        """Take it in."""
        self._first = min(self._first or event.timestamp, event.timestamp)
        self._last = max(self._last, event.timestamp)
        self._counts["events"] += 1
        if isinstance(event, Exec):
            self._exec(event)
        elif isinstance(event, Gap):
            self._counts["lost"] += event.count
            self._gaps.append(event)
        for life in self._lives(event):
            self._life(life)

    def finish(self) -> Collected:
        """All of it, processes in the order of their tree."""
        for life in self._lives.finish():
            self._life(life)
        columns = self._processes.columns
        walk = order(self._keys, self._creators, [*zip(columns["start_timestamp"], columns["pid"], strict=True)])
        execs: list[int] = []
        failures: list[int] = []
        added: dict[str, list[int]] = {"programs_end": [], "failures_end": []}
        for row in walk.rows:
            its_execs, its_failures = self._of_process[row]
            execs += its_execs
            failures += its_failures
            added["programs_end"].append(len(execs))
            added["failures_end"].append(len(failures))
        added |= {"parent": walk.parents, "depth": walk.depths, "end": walk.ends}
        references = {"file": [self._file_of[row] for row in execs], "place": [self._place_of[row] for row in execs]}
        tables = {
            "processes": _rows(self._processes, walk.rows, added),
            "programs": _rows(self._execs, execs, references),
            "files": _rows(self._files.table),
            "places": _rows(self._places.table),
            "failures": _rows(self._failures, failures),
            "gaps": _rows(self._gaps),
        }
        return Collected(tables, self._texts, self._first, self._last, self._counts)

    def _exec(self, event: Exec) -> None:
        self._counts["execs"] += 1
        key = (event.boot_id, event.pid, event.process_start_time)
        self._open.setdefault(key, []).append(self._execs.append(event))
        self._file_of.append(self._files.append(event))
        self._place_of.append(self._places.append(event))

    def _life(self, life: Life) -> None:
        key = (life.boot_id, *life.key)
        self._processes.append(life)
        self._keys.append(key)
        self._creators.append((life.boot_id, *(life.creator or life.parent)))
        failures = [self._failures.append(failure) for failure in life.failures]
        self._of_process.append((self._open.pop(key, ()), failures))


def _rows(table: Table, rows: Iterable[int] | None = None, added: Mapping[str, Sequence[int]] | None = None) -> Rows:
    """The table with these rows in this order, and with columns of numbers that were found out since."""
    added = added or {}
    return Rows(
        {**table.kinds, **dict.fromkeys(added, "number")},
        {**(table.columns if rows is None else table.reordered(list(rows))), **added},
    )
