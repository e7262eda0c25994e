"""What the path of a cgroup says of the processes in it: systemd unit and slice, container, pod; pure."""

from __future__ import annotations

import re

import msgspec


class Placement(msgspec.Struct, frozen=True, gc=False):
    """Who runs the processes of a cgroup. What the path does not tell is None."""

    unit: str | None
    """Innermost systemd unit that is no slice, as the machine's own systemd counts (``_SYSTEMD_UNIT``, or
    ``_SYSTEMD_USER_UNIT`` where a user's own systemd runs it); one inside of a container is not seen."""
    slice: str | None
    """The slice that unit is in; ``-.slice`` is the root of them."""
    owner_uid: int | None
    """User whose own systemd runs it. All below there is made by that user, who may give it any name."""
    container_id: str | None
    """Id of the innermost container; LXC and systemd-nspawn have names for that. What watches over a
    container (conmon, supervisor, monitor) is not in it."""
    pod_uid: str | None
    """Uid of the Kubernetes pod; of a static pod on its own node, the hash that stands for it."""


def placement(path: str) -> Placement:
    """What a path in the hierarchy, as in the last column of /proc/PID/cgroup, says."""
    names = [name for name in path.split("/") if name]
    unit, slice_, owner_uid = _systemd(names)
    return Placement(unit, slice_, owner_uid, _container_id(names), _pod_uid(names))


# systemd's unit_name_is_valid(), for the types of units that have cgroups.
_PLAIN = r"[A-Za-z0-9:_.\\-]+"
_SLICE = re.compile(rf"{_PLAIN}\.slice")
_UNIT = re.compile(rf"{_PLAIN}(?:@[A-Za-z0-9:_.\\@-]+)?\.(?:service|scope|socket|mount|swap)")
_USER_MANAGER = re.compile(r"user@([0-9]+)\.service")
_SESSION = re.compile(r"session-[A-Za-z0-9]+\.scope")


def _systemd(names: list[str]) -> tuple[str | None, str | None, int | None]:
    """Unit, slice and owner, as cg_path_get_unit() and cg_path_get_user_unit() of systemd find them."""
    unit, slice_, rest = _unit(names)
    if unit is None:
        return None, slice_, None
    manager = _USER_MANAGER.fullmatch(unit)
    if manager or _SESSION.fullmatch(unit):
        inner, inner_slice, _ = _unit(rest)
        if inner:
            unit, slice_ = inner, inner_slice
    return unit, slice_ or "-.slice", int(manager[1]) if manager else None


def _unit(names: list[str]) -> tuple[str | None, str | None, list[str]]:
    """The first unit after any slices, the last of those, and what comes after the unit."""
    slice_ = None
    for depth, name in enumerate(names):
        # cg_escape() puts one before names that the kernel has a use for, as cgroup.x, and before itself.
        name = name.removeprefix("_")  # noqa: PLW2901
        if not _SLICE.fullmatch(name):
            return (name if _UNIT.fullmatch(name) else None), slice_, names[depth + 1 :]
        slice_ = name
    return None, slice_, []


# An id is 64 hexadecimal digits. Steps of a build have others: 25 digits in base 36 from BuildKit.
_ENGINE = "docker|libpod|libpod-payload|crio|cri-containerd|nerdctl"
_CONTAINER = re.compile(
    rf"""
    (?:{_ENGINE})-([0-9a-f]{{64}})(?:\.scope)?     # a scope of systemd; without, by its engine itself
    | (?:[^:]+:(?:{_ENGINE}):)?([0-9a-f]{{64}})    # by its engine itself; also where that was given SLICE:ENGINE:ID
    | [^:]+:docker:([0-9a-z]{{25}})
    | (?:crun|runc)-(buildah-buildah[0-9]+)\.scope
    | lxc\.payload\.(.+)
    """,
    re.VERBOSE,
)
_BUILD = re.compile(r"[0-9a-z]{25}")
_FARGATE = re.compile(r"([0-9a-f]{32})-[0-9]+")
_MACHINE = re.compile(r"systemd-nspawn@(.+)\.service|machine-(?!qemu\\x2d)(.+)\.scope")


def _container_id(names: list[str]) -> str | None:
    for depth in reversed(range(len(names))):
        parent = names[depth - 1] if depth else ""
        below = names[depth + 1] if depth + 1 < len(names) else ""
        if found := _container(names[depth], parent, below):
            return found
    return None


def _container(name: str, parent: str, below: str) -> str | None:
    """The container whose own cgroup has this name."""
    if match := _CONTAINER.fullmatch(name):
        return match[match.lastindex or 0]
    if parent == "machine.slice" and below != "supervisor" and (match := _MACHINE.fullmatch(name)):
        return match[1] or _unescape(match[2])
    if parent in {"lxc", "lxc.payload"}:  # before LXC 4
        return name
    if parent == "buildkit" and _BUILD.fullmatch(name):
        return name
    # ECS on Fargate: the task's id, and again with a number of the container
    return name if (match := _FARGATE.fullmatch(name)) and match[1] == parent else None


def _unescape(text: str) -> str:
    r"""What systemd wrote with \xNN for all but letters, digits, ``:``, ``_`` and ``.``."""
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode(errors="surrogateescape"))
    return raw.decode(errors="surrogateescape")


_POD = re.compile(
    r"""
    (?:(?:[a-z0-9]+-)*kubepods-(?:burstable-|besteffort-)?)?
    pod([0-9a-f]{8}(?:[_-][0-9a-f]{4}){3}[_-][0-9a-f]{12}|[0-9a-f]{32})
    (?:\.slice(?::.*)?)?
    """,
    re.VERBOSE,
)


def _pod_uid(names: list[str]) -> str | None:
    for name in reversed(names):
        if match := _POD.fullmatch(name):
            return match[1].replace("_", "-")  # a dash in a slice's name would be a slice more
    return None
