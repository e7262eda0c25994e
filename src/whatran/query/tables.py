"""Events and lives as rows of tables: the columns are the fields, their types those of the structs; pure."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

import msgspec

from whatran.event import Event, Exec, ExecFailed, Exit, Fork, Gap
from whatran.process.lives import Life, Lives
from whatran.sinks.jsonl import with_exact_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

TABLES: dict[str, type[msgspec.Struct]] = {
    "execs": Exec,
    "failed": ExecFailed,
    "forks": Fork,
    "exits": Exit,
    "gaps": Gap,
    "lives": Life,
}
"""What a row of each table is."""

_NAMES = {kind: name for name, kind in TABLES.items()}
_SCALARS = {str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT"}


class Column(NamedTuple):
    """A field as a column."""

    name: str
    type: Any
    """Of the field, without None: what is unknown is NULL."""

    @property
    def clock(self) -> bool:
        """Whether it says what the wall clock showed, in ns since the epoch."""
        return self.type is int and self.name.endswith(("timestamp", "ctime"))

    @property
    def quoted(self) -> str:
        """Its name in SQL, which has some of them for itself (user, group)."""
        return f'"{self.name}"'

    @property
    def sql(self) -> str:
        """Its type in SQL."""
        return "TIMESTAMP_NS" if self.clock else _sql(self.type, self.name)

    @property
    def json(self) -> str:
        """The type in SQL of what JSON has of it."""
        if self.clock:
            return "HUGEINT"  # a file system can claim any time
        if struct := _struct(self.type):
            return _sql_struct(struct, [column.json for column in columns(struct)])
        return self.sql

    def value(self, path: str) -> str:
        """The expression in SQL that makes its value of what JSON has, which is at ``path``."""
        if self.clock:
            return f"TRY(make_timestamp_ns(TRY_CAST({path} AS BIGINT)))"
        if struct := _struct(self.type):
            fields = (f"{column.quoted} := {column.value('item.' + column.quoted)}" for column in columns(struct))
            return f"list_transform({path}, lambda item: struct_pack({', '.join(fields)}))"
        return path


def columns(kind: type[msgspec.Struct]) -> list[Column]:
    """The fields; and ``base64``: the exact bytes of those that are no UTF-8, by name, of a list of each element."""
    fields = [Column(field.name, _known(field.type)) for field in msgspec.structs.fields(kind)]
    return [*fields, Column("base64", dict[str, list[str]])]


def plain(row: msgspec.Struct) -> dict[str, Any]:
    """The columns of a row that has text which is no UTF-8: there U+FFFD stands for every bad byte."""
    return _with_base64(with_exact_bytes(row))


def _with_base64(fields: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    exact: dict[str, list[str]] = {}
    for name, value in fields.items():
        if name.endswith("_base64"):
            exact[name.removesuffix("_base64")] = value if isinstance(value, list) else [value]
        elif isinstance(value, list):
            kept[name] = [_with_base64(item) if isinstance(item, dict) else item for item in value]
        else:
            kept[name] = value
    return kept | {"base64": exact or None}


def rows(events: Iterable[Event], wanted: Collection[str], *, filtered: bool) -> Iterator[tuple[str, Event | Life]]:
    """A table and its row for each event, and for each life when it has ended, of the tables that are wanted.

    ``filtered`` says that exits may be missing of processes whose other events are not.
    """
    lives = Lives(filtered=filtered) if "lives" in wanted else None
    for event in events:
        table = _NAMES[type(event)]
        if table in wanted:
            yield table, event
        if lives:
            for life in lives(event):
                yield "lives", life
    if lives:
        for life in lives.finish():
            yield "lives", life


def _known(type_: Any) -> Any:
    """The type without None."""
    if get_origin(type_) is not types.UnionType:
        return type_
    (known,) = (one for one in get_args(type_) if one is not types.NoneType)
    return known


def _item(type_: Any) -> Any:
    """Of what a list or tuple is made; None for what is none."""
    return _known(get_args(type_)[0]) if get_origin(type_) in (list, tuple) else None


def _struct(type_: Any) -> type[msgspec.Struct] | None:
    """Of which structs a list is made."""
    item = _item(type_)
    return item if isinstance(item, type) and issubclass(item, msgspec.Struct) else None


def _sql(type_: Any, name: str) -> str:
    if struct := _struct(type_):
        return _sql_struct(struct, [column.sql for column in columns(struct)])
    if item := _item(type_):
        return f"{_sql(item, name)}[]"
    if get_origin(type_) is dict:
        key, value = get_args(type_)
        return f"MAP({_sql(key, name)}, {_sql(value, name)})"
    if type_ is int and name.endswith("inode"):
        return "UBIGINT"  # a file system can number its inodes as it likes
    return _SCALARS[type_]


def _sql_struct(struct: type[msgspec.Struct], types_: Iterable[str]) -> str:
    fields = ", ".join(f"{column.quoted} {type_}" for column, type_ in zip(columns(struct), types_, strict=True))
    return f"STRUCT({fields})[]"
