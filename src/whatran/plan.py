"""What is to be watched: options checked, and made what sources, the kernel program and stages take."""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

from whatran.errors import UsageError
from whatran.filter import (
    FIELDS,
    MOST_CONDITIONS,
    NAMES,
    Condition,
    check_field,
    equals,
    parse,
    pass_some,
    without,
)
from whatran.process.accounts import Account, account
from whatran.pushdown import push_down
from whatran.redact import Redactor
from whatran.scope import Scope, cgroups
from whatran.source.choose import Choice, Wanted, choose
from whatran.source.procfs import INITIAL_PID_NAMESPACE, is_initial
from whatran.wire import layout
from whatran.wire.settings import RING_BYTES, UNLIMITED, Settings

if TYPE_CHECKING:
    from whatran.rules.engine import Engine

Failed = Literal["fold", "all", "none"]


class Options(TypedDict, total=False):
    """Keyword arguments of watch() that run() takes too."""

    scope: Literal["tree", "cgroup"]
    not_tree: Collection[int]
    not_cgroup: Collection[str]
    not_container: Collection[str]
    uid: Collection[int]
    comm: Collection[str]
    filters: Iterable[str]
    env: bool | Collection[str]
    failed: Failed
    threads: bool
    fields: Collection[str] | None
    max_argv: int | None
    max_env: int | None
    rate_limit: int | None
    ring_bytes: int
    source: Wanted
    bpf_stats: bool
    rules: Engine | Iterable[str | os.PathLike[str]]
    redact: bool
    user: str | int | None


class WatchOptions(Options, total=False):
    """All keyword arguments of watch()."""

    pid: Collection[int]
    tree: Collection[int]
    cgroup: Collection[str]
    container: Collection[str]
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What options say, once it is known that it can be."""

    choice: Choice
    settings: Settings
    scope: Scope
    conditions: tuple[Condition, ...]
    failed: Failed
    env_names: frozenset[str] | None
    """The variables to keep of an environment; None for all."""
    own_cgroup: bool
    timeout: float | None
    bpf_stats: bool
    rules: Engine | None
    redactor: Redactor | None
    """What replaces secrets; None where they are to be seen."""
    account: Account | None
    """Whom the command is run as; None for who we are."""


def plan(
    command: Sequence[str] | None = None,
    *,
    scope: Literal["tree", "cgroup"] = "tree",
    pid: Collection[int] = (),
    tree: Collection[int] = (),
    cgroup: Collection[str] = (),
    container: Collection[str] = (),
    not_tree: Collection[int] = (),
    not_cgroup: Collection[str] = (),
    not_container: Collection[str] = (),
    uid: Collection[int] = (),
    comm: Collection[str] = (),
    filters: Iterable[str] = (),
    env: bool | Collection[str] = False,
    failed: Failed = "fold",
    threads: bool = False,
    fields: Collection[str] | None = None,
    max_argv: int | None = None,
    max_env: int | None = None,
    timeout: float | None = None,
    rate_limit: int | None = None,
    ring_bytes: int = RING_BYTES,
    source: Wanted = "auto",
    bpf_stats: bool = False,
    rules: Engine | Iterable[str | os.PathLike[str]] = (),
    redact: bool = True,
    user: str | int | None = None,
) -> Plan:
    """The plan for the options of watch(), whose errors it raises."""
    filters = filters if isinstance(filters, str) else tuple(filters)
    _check(
        command,
        texts={
            "comm": comm,
            "filters": filters,
            "fields": fields or (),
            "cgroup": cgroup,
            "container": container,
            "not_cgroup": not_cgroup,
            "not_container": not_container,
        },
        numbers={"pid": pid, "tree": tree, "not_tree": not_tree, "uid": uid},
        timeout=timeout,
    )
    if command is not None and (pid or tree or cgroup or container):
        raise UsageError("a command is followed with its descendants: pid, tree, cgroup and container are for others")
    for name, most in (("max_argv", max_argv), ("max_env", max_env)):
        if most is not None and not 0 <= most < UNLIMITED:
            raise UsageError(f"{name} cannot be {most}: give a number of bytes below {UNLIMITED}")
    if rate_limit is not None and not 0 < rate_limit < UNLIMITED:
        raise UsageError(f"rate_limit cannot be {rate_limit}: give a number a second, from 1 on")
    if not mmap.PAGESIZE <= ring_bytes <= 1 << 31 or ring_bytes & (ring_bytes - 1):
        raise UsageError(
            f"the ring buffer cannot have {ring_bytes} bytes: give a power of two from {mmap.PAGESIZE} to {1 << 31}"
        )
    for name in fields or ():
        check_field(name, FIELDS, "fields")
    conditions = (
        *(equals("uid", number) for number in uid),
        # The kernel keeps 15 bytes of a name.
        *(equals("comm", os.fsdecode(os.fsencode(name)[: layout.COMM_BYTES - 1])) for name in comm),
        *map(parse, (*filters, *without(fields or (), judged=bool(rules)))),
    )
    if len(conditions) > MOST_CONDITIONS:
        raise UsageError(f"{len(conditions)} filters are too many: give {MOST_CONDITIONS} at most")
    if not any(pass_some(name, conditions) for name in NAMES):
        raise UsageError(
            "nothing is left to tell of: no kind of event has any of these fields and passes these filters"
        )
    if isinstance(env, str):
        raise UsageError(f"env is a list of names, not one text: give [{env!r}]")
    if not isinstance(env, bool) and any(not name or "=" in name for name in env):
        raise UsageError(f"{list(env)} are no names of variables")
    if failed not in get_args(Failed):
        raise UsageError(f"failed cannot be {failed!r}: give one of {', '.join(get_args(Failed))}")
    if not env and any(condition.field == "env" for condition in conditions):
        raise UsageError("a filter on env needs env itself: ask for it, with --env or env=True")
    others = scope == "cgroup" or not_tree or not_cgroup or not_container or rate_limit
    choice = choose(source, followable=command is not None and not others)
    what = Scope(
        command,
        tuple(pid),
        tuple(tree),
        tuple(not_tree),
        cgroups(cgroup, container),
        cgroups(not_cgroup, not_container),
    )
    held = held_against(rules)
    wants_env = held is not None and "env" in held.fields
    settings = Settings(
        kinds=layout.EVENTS if failed != "none" else tuple(set(layout.EVENTS) - {layout.FAILED}),
        scoped=what.limited,
        use_pids=what.by_pid,
        env=bool(env) or wants_env,
        threads=threads,
        max_argv=UNLIMITED if max_argv is None else max_argv,
        max_env=UNLIMITED if max_env is None else max_env,
        command=b"" if command is None else b"whatran" + os.urandom(4).hex().encode(),
        ring_bytes=ring_bytes,
        rate_limit=rate_limit or 0,
    )
    return Plan(
        choice,
        # Rules ask for any field, and for ancestors: whom filters leave out too.
        settings if held else push_down(conditions, settings, fields),
        what,
        conditions,
        failed,
        frozenset() if wants_env and not env else None if isinstance(env, bool) else frozenset(env),
        own_cgroup=scope == "cgroup",
        timeout=timeout,
        bpf_stats=bpf_stats,
        rules=held,
        redactor=Redactor() if redact else None,
        account=None if user is None else _account(user, command),
    )


def _account(user: str | int, command: Sequence[str] | None) -> Account:
    found = account(user)
    if command is None:
        raise UsageError("only a command can be run as another user: give one")
    if os.geteuid() not in {0, found.uid}:
        raise UsageError(f"only root can run a command as {found.name}")
    return found


def held_against(rules: Engine | Iterable[str | os.PathLike[str]]) -> Engine | None:
    """The rules at work, if there are any; UsageError with all that is wrong with them."""
    if not rules:
        return None
    from whatran.rules.engine import engine  # noqa: PLC0415 (takes as long to load as all the rest)

    return engine(rules)


def _check(
    command: Sequence[str] | None,
    *,
    texts: Mapping[str, Iterable[str]],
    numbers: Mapping[str, Collection[int]],
    timeout: float | None,
) -> None:
    """UsageError for what cannot be."""
    for name, value in (("command", command), *texts.items()):
        if isinstance(value, str):
            raise UsageError(f"{name} is a list of texts, not one text: give [{value!r}]")
    for name, given in numbers.items():
        if isinstance(given, int):
            raise UsageError(f"{name} is a list of numbers, not one number: give [{given}]")
    if command is not None and not command:
        raise UsageError("the command is empty")
    if any(numbers[name] for name in ("pid", "tree", "not_tree")) and not is_initial("pid", INITIAL_PID_NAMESPACE):
        raise UsageError(
            "process ids in this pid namespace are not the kernel's: watch from outside, or give a command"
        )
    if any(not 0 <= number < 1 << 32 for number in numbers["uid"]):
        raise UsageError(f"there is no user id outside of 0 to {(1 << 32) - 1}")
    if any(not text for value in texts.values() for text in value):
        raise UsageError("an empty text names nothing")
    if any("\0" in text for value in texts.values() for text in value):
        raise UsageError("no process, path or container has a name with a NUL in it")
    if timeout is not None and not timeout >= 0:
        raise UsageError(f"a timeout of {timeout} seconds cannot be: give 0 or more")
