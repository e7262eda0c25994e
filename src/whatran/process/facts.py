"""What an exec's numbers and paths stand for: users and groups, units and containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec.structs import force_setattr

from whatran.event import Exec, ExecFailed, TaskEvent
from whatran.process.cgroups import Placement, placement
from whatran.process.containers import Containers
from whatran.process.users import Names

if TYPE_CHECKING:
    from whatran.process.containers import Container

MAX_CGROUPS = 4096


class UserNames(Protocol):
    """Who knows users and groups."""

    def user(self, uid: int) -> str | None: ...

    def group(self, gid: int) -> str | None: ...


class KnownContainers(Protocol):
    """Who knows containers."""

    def find(self, container_id: str, owner_uid: int | None = None) -> Container | None: ...


class Facts:
    """Event in, the same event with names out; each is asked for once."""

    def __init__(self, names: UserNames | None = None, containers: KnownContainers | None = None) -> None:
        """Those of this machine, unless others are given."""
        self._names = names or Names()
        self._containers = containers or Containers()
        self._placements: dict[str, Placement] = {}

    def __call__(self, event: TaskEvent) -> TaskEvent:
        """The event, with the facts it lacked filled in: nobody else has it yet."""
        if type(event) is Exec:
            self._name(event)
            self._place(event)
        elif type(event) is ExecFailed:
            self._name(event)
        return event

    def _name(self, event: Exec | ExecFailed) -> None:
        force_setattr(event, "user", self._names.user(event.uid))
        force_setattr(event, "group", self._names.group(event.gid))

    def _place(self, event: Exec) -> None:
        # Without its upper part, a path could be made to look like another's.
        place = self._placement(None if "cgroup" in event.truncated else event.cgroup)
        if place.unit or place.slice:
            force_setattr(event, "unit", place.unit)
            force_setattr(event, "slice", place.slice)
        if place.container_id:
            force_setattr(event, "container_id", place.container_id)
            force_setattr(event, "pod_uid", place.pod_uid)
            container = self._containers.find(place.container_id, place.owner_uid)
            if container:
                _set_container(event, container)

    def _placement(self, cgroup: str | None) -> Placement:
        path = cgroup or ""
        place = self._placements.get(path)
        if place is None:
            if len(self._placements) == MAX_CGROUPS:
                self._placements.clear()
            place = self._placements[path] = placement(path)
        return place


def _set_container(event: Exec, container: Container) -> None:
    force_setattr(event, "container_name", container.name)
    force_setattr(event, "container_image", container.image)
    force_setattr(event, "pod_name", container.pod_name)
    force_setattr(event, "pod_namespace", container.pod_namespace)
