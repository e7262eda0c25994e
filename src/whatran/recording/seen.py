"""What numbers and ids in frames stand for: looked up as they are recorded, and recalled where they are replayed."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, TypeVar

import msgspec

from whatran.process.cgroups import placement
from whatran.process.containers import MOST_ANSWERS, Container, Containers
from whatran.process.facts import MAX_CGROUPS
from whatran.process.users import Names
from whatran.recording import format as form
from whatran.wire import layout
from whatran.wire.files import tree_path

if TYPE_CHECKING:
    from collections.abc import Iterable

_KIND_AT = layout.offset_in_exec("kind")
_UID_AT = layout.offset_in_exec("uid")
_IDS = struct.Struct("<II")  # uid and gid lie side by side
_TEXTS_AT = layout.offset_in_exec(layout.TEXTS[0])
_BEFORE_CGROUP = struct.Struct(f"<{_TEXTS_AT}x" + "I4x" * (layout.TEXTS.index("cgroup")) + "II")
"""Bytes of each text before that of the cgroup; and of this, with how many it would have in full."""

MOST_RECALLED = 1 << 14
"""How many users are recalled, and groups. Each block has all of its own: more than in any group of two of them."""

K = TypeVar("K")
V = TypeVar("V")


class Seen:
    """Frames in, what is new in them out: users, groups and containers, by name."""

    def __init__(self) -> None:
        self._names = Names()
        self._containers = Containers()
        self.forget()

    def forget(self) -> None:
        """All is new again."""
        self._ids: set[bytes] = set()
        self._groups: set[int] = set()
        self._users: set[int] = set()
        self._placed: dict[bytes, tuple[str, int | None] | None] = {}
        self._told: dict[tuple[str, int | None], Container | None] = {}

    def __call__(self, frames: Iterable[bytes]) -> form.Names | None:
        """What is new; None for nothing."""
        ids: set[bytes] = set()
        containers: dict[tuple[str, int | None], Container | None] = {}
        for frame in frames:
            kind = frame[_KIND_AT]
            if kind == layout.EXEC:
                ids.add(frame[_UID_AT : _UID_AT + _IDS.size])
                *before, size, full = _BEFORE_CGROUP.unpack_from(frame)
                at = layout.EXEC_STRUCT.size + sum(before)
                key = self._container(frame[at : at + size], cut=full > size)
                if key:
                    containers[key] = self._containers.find(*key)
            elif kind == layout.FAILED:
                ids.add(frame[_UID_AT : _UID_AT + _IDS.size])
        if not containers and ids <= self._ids:
            return None
        return self._new(ids - self._ids, containers)

    def _new(self, ids: set[bytes], containers: dict[tuple[str, int | None], Container | None]) -> form.Names | None:
        self._ids |= ids
        pairs = [_IDS.unpack(each) for each in ids]
        users = {uid for uid, _ in pairs} - self._users
        groups = {gid for _, gid in pairs} - self._groups
        self._users |= users
        self._groups |= groups
        found = {key: one for key, one in containers.items() if key not in self._told or self._told[key] != one}
        for key, one in found.items():
            _keep(self._told, key, one, MOST_ANSWERS)
        if not (users or groups or found):
            return None
        return form.Names(
            {uid: _raw(self._names.user(uid)) for uid in users},
            {gid: _raw(self._names.group(gid)) for gid in groups},
            [_written(key, one) for key, one in found.items()],
        )

    def _container(self, path: bytes, *, cut: bool) -> tuple[str, int | None] | None:
        """The container of a cgroup, by what its path says."""
        if path not in self._placed:
            if len(self._placed) == MAX_CGROUPS:
                self._placed.clear()
            place = placement("" if cut else tree_path(path, cut))
            self._placed[path] = (place.container_id, place.owner_uid) if place.container_id else None
        return self._placed[path]


class Recalled:
    """Users, groups and containers as the recording has them; a Names and a Containers at once."""

    def __init__(self) -> None:
        self._users: dict[int, str | None] = {}
        self._groups: dict[int, str | None] = {}
        self._containers: dict[tuple[str, int | None], Container | None] = {}

    def learn(self, names: form.Names) -> None:
        """This is so from here on."""
        for uid, name in names.users.items():
            _keep(self._users, uid, _text(name), MOST_RECALLED)
        for gid, name in names.groups.items():
            _keep(self._groups, gid, _text(name), MOST_RECALLED)
        for one in names.containers:
            _keep(self._containers, (os.fsdecode(one.id), one.owner_uid), _read(one), MOST_ANSWERS)

    def user(self, uid: int) -> str | None:
        return self._users.get(uid)

    def group(self, gid: int) -> str | None:
        return self._groups.get(gid)

    def find(self, container_id: str, owner_uid: int | None = None) -> Container | None:
        return self._containers.get((container_id, owner_uid))


def _keep(known: dict[K, V], key: K, value: V, most: int) -> None:
    """Keeps it as the last of so many."""
    known.pop(key, None)
    if len(known) == most:
        del known[next(iter(known))]
    known[key] = value


def _written(key: tuple[str, int | None], one: Container | None) -> form.Container:
    container_id, owner_uid = key
    if one is None:
        return form.Container(os.fsencode(container_id), owner_uid, None)
    name, image, pod_name, pod_namespace, runtime = map(_raw, msgspec.structs.astuple(one)[1:])
    return form.Container(os.fsencode(container_id), owner_uid, (name, image, pod_name, pod_namespace, runtime))


def _read(one: form.Container) -> Container | None:
    if one.about is None:
        return None
    name, image, pod_name, pod_namespace, runtime = map(_text, one.about)
    return Container(os.fsdecode(one.id), name, image, pod_name, pod_namespace, runtime)


def _raw(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "surrogateescape")
