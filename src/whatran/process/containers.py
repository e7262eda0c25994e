"""What the container runtimes' own state files say of a container: its name, image and pod.

Nobody's socket is asked: files are there whether or not a daemon answers, and before the container's first exec.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from whatran.errors import UsageError
from whatran.process.cgroups import placement

MOST_ANSWERS = 1024
"""How many containers are remembered; those asked for last."""

LAST_TIME = 64
"""Who is not found is looked for again the 2nd, 4th, 8th … time it is asked for, up to this one."""

MOST_BYTES = 4 << 20
MOST_BYTES_OF_USER = 128 << 10  # who could have us read them again and again
"""Larger files are not read. The largest lists all containers of an engine, at some 600 bytes each."""

LEAST_PREFIX = 4
MOST_LISTED = 10

Text = Annotated[str, msgspec.Meta(max_length=4096)]
T = TypeVar("T")
_Reader = Callable[[Path, str, int | None], "Container | None"]


class Container(msgspec.Struct, frozen=True, gc=False):
    """One container; what its runtime does not tell is None."""

    id: str
    """As in the path of its cgroup."""
    name: str | None
    """What it was called; of a Kubernetes container, what the pod calls it."""
    image: str | None
    """Name of the image it was made from, as it was given."""
    pod_name: str | None
    """Name of its Kubernetes pod."""
    pod_namespace: str | None
    """Namespace of that."""
    runtime: str | None
    """docker, podman, cri-o, containerd, lxc or systemd-nspawn."""


class Containers:
    """Containers by id, each looked up once. No file below ``root`` raises or blocks, unless its file system hangs."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._answers: dict[tuple[str, int | None], tuple[Container | None, int]] = {}

    def find(self, container_id: str, owner_uid: int | None = None) -> Container | None:
        """The container with the id that placement() found, and its owner; None where no runtime knows it.

        Where a user's own systemd runs it, only that user's files are asked: its id is but that user's word.
        """
        key = container_id, owner_uid
        found, asked = self._answers.pop(key, (None, 0))
        if found is None:
            asked += 1
            if asked <= LAST_TIME and not asked & (asked - 1):
                found = _look_up(self._root, container_id, owner_uid)
        if len(self._answers) == MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = found, asked
        return found


def cgroups_of(name_or_id: str, cgroup_root: Path, containers: Containers) -> list[Path]:
    """The directories, below that of the v2 hierarchy, of the one running container that is called so.

    A name or an id is given, or the beginning of an id; UsageError if none or several fit. What is below
    these directories is the container's too.
    """
    running = _running(cgroup_root, containers)
    fitting = [one for one in running if name_or_id in {one.id, one.name}]
    if not fitting and len(name_or_id) >= LEAST_PREFIX:
        fitting = [one for one in running if _HASH.fullmatch(one.id) and one.id.startswith(name_or_id)]
    if len(fitting) == 1:
        return fitting[0].directories
    if fitting:
        raise UsageError(f"several containers fit {name_or_id!r}: {_listed(fitting)}; give the id of one")
    known = f"those running are {_listed(running)}" if running else "none is running, as far as cgroups tell"
    raise UsageError(
        f"there is no running container {name_or_id!r}: {known}; give a name, or {LEAST_PREFIX} characters of an id"
    )


class _Running(NamedTuple):
    id: str
    name: str | None
    pod: str | None
    directories: list[Path]


def _running(cgroup_root: Path, containers: Containers) -> list[_Running]:
    found: dict[tuple[str, int | None], _Running] = {}
    for directory, below, _ in os.walk(cgroup_root):
        below.sort()
        place = placement(directory.removeprefix(str(cgroup_root)))
        if place.container_id is None:
            continue
        key = place.container_id, place.owner_uid
        if key not in found:
            known = containers.find(*key)
            pod = f"{known.pod_namespace}/{known.pod_name}" if known and known.pod_name else None
            found[key] = _Running(place.container_id, known.name if known else None, pod, [])
        path, directories = Path(directory), found[key].directories
        if not any(path.is_relative_to(outer) for outer in directories):
            directories.append(path)
    return list(found.values())


def _listed(running: list[_Running]) -> str:
    """Some of them, for a message; names may be anything, so as Python writes them."""
    texts = []
    for one in running[:MOST_LISTED]:
        short = one.id[:12] if _HASH.fullmatch(one.id) else one.id
        notes = [repr(short)] if one.name not in {None, one.id} else []
        notes += [f"pod {one.pod!r}"] if one.pod else []
        texts.append(repr(one.name or short) + (f" ({', '.join(notes)})" if notes else ""))
    more = len(running) - MOST_LISTED
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


_HASH = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]*")


def _look_up(root: Path, container_id: str, owner_uid: int | None) -> Container | None:
    if not _FILE_NAME.fullmatch(container_id):
        return None
    stores = STORES
    if owner_uid is not None:
        try:
            root /= pwd.getpwuid(owner_uid).pw_dir.lstrip("/")
        except (KeyError, OverflowError):
            return None
        stores = USER_STORES
    for read, directory in stores:
        if found := read(root / directory, container_id, owner_uid):
            return found
    return None


def _read(path: Path, owner_uid: int | None) -> bytes | None:
    """The content of a regular file of no unusual size; of the owner's own, where there is one."""
    try:
        # What a user could put there instead: a pipe without a writer, a leased file, a link to what is not the user's.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        info = os.fstat(fd)
        most = MOST_BYTES if owner_uid is None else MOST_BYTES_OF_USER
        if not stat.S_ISREG(info.st_mode) or info.st_size > most or owner_uid not in {None, info.st_uid}:
            return None
        return os.read(fd, most)
    except OSError:
        return None
    finally:
        os.close(fd)


def _decode(content: bytes | str | None, type_: type[T]) -> T | None:
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=type_)
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
        return None


# What the kubelet has other engines call a container: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT; no name has a "_".
_KUBELET_NAME = re.compile(r"k8s_([^_]+)_([^_]+)_([^_]+)_[^_]+_[0-9]+(?:_[^_]+)?")


def _named(container_id: str, name: str | None, image: str | None, runtime: str) -> Container:
    if match := _KUBELET_NAME.fullmatch(name or ""):
        return Container(container_id, match[1], image or None, match[2], match[3], runtime)
    return Container(container_id, name or None, image or None, None, None, runtime)


class _DockerConfig(msgspec.Struct, rename="pascal"):
    image: Text | None = None


class _Docker(msgspec.Struct, rename="pascal"):
    name: Text | None = None
    config: _DockerConfig | None = None


def _docker(store: Path, container_id: str, owner_uid: int | None) -> Container | None:
    found = _decode(_read(store / "containers" / container_id / "config.v2.json", owner_uid), _Docker)
    if found is None:
        return None
    image = found.config.image if found.config else None
    return _named(container_id, (found.name or "").lstrip("/"), image, "docker")


class _Listed(msgspec.Struct):
    id: Text
    names: list[Text] | None = None
    metadata: str | None = None


class _Metadata(msgspec.Struct, rename="kebab"):
    image_name: Text | None = None
    pod_id: Text | None = None


def _storage(store: Path, container_id: str, owner_uid: int | None) -> Container | None:
    """Of containers/storage, the library below Podman and CRI-O; only the latter has pods."""
    for driver in ("overlay", "vfs", "btrfs", "zfs"):
        # volatile: those of CRI-O, and of `podman run --rm`
        for name in ("containers.json", "volatile-containers.json"):
            listed = _decode(_read(store / f"{driver}-containers" / name, owner_uid), list[_Listed])
            for one in listed or ():
                if one.id == container_id:
                    about = _decode(one.metadata, _Metadata) or _Metadata()
                    runtime = "cri-o" if about.pod_id else "podman"
                    return _named(container_id, next(iter(one.names or ()), None), about.image_name, runtime)
    return None


class _Annotations(msgspec.Struct):
    container_name: Text | None = msgspec.field(name="io.kubernetes.cri.container-name", default=None)
    image_name: Text | None = msgspec.field(name="io.kubernetes.cri.image-name", default=None)
    sandbox_name: Text | None = msgspec.field(name="io.kubernetes.cri.sandbox-name", default=None)
    sandbox_namespace: Text | None = msgspec.field(name="io.kubernetes.cri.sandbox-namespace", default=None)
    nerdctl_name: Text | None = msgspec.field(name="nerdctl/name", default=None)


class _Bundle(msgspec.Struct):
    annotations: _Annotations | None = None


def _containerd(state: Path, container_id: str, owner_uid: int | None) -> Container | None:
    for path in state.glob(f"io.containerd.runtime.v2.task/*/{container_id}/config.json"):
        if bundle := _decode(_read(path, owner_uid), _Bundle):
            about = bundle.annotations or _Annotations()
            return Container(
                container_id,
                about.container_name or about.nerdctl_name,
                about.image_name,
                about.sandbox_name,
                about.sandbox_namespace,
                # Docker's own, where Docker keeps its files in some other place
                "docker" if path.parts[-3] == "moby" else "containerd",
            )
    return None


def _lxc(store: Path, name: str, owner_uid: int | None) -> Container | None:
    known = _read(store / name / "config", owner_uid) is not None
    return Container(name, name, None, None, None, "lxc") if known else None


def _nspawn(registered: Path, name: str, owner_uid: int | None) -> Container | None:
    known = _read(registered / name, owner_uid) is not None
    return Container(name, name, None, None, None, "systemd-nspawn") if known else None


STORES: tuple[tuple[_Reader, str], ...] = (
    (_docker, "var/lib/docker"),
    (_docker, "var/snap/docker/common/var-lib-docker"),
    (_storage, "var/lib/containers/storage"),
    (_containerd, "run/containerd"),
    (_containerd, "run/k3s/containerd"),
    (_nspawn, "run/systemd/machines"),
    (_lxc, "var/lib/lxc"),
)
"""Where the machine's runtimes keep their files, below the root directory, unless told otherwise."""

USER_STORES: tuple[tuple[_Reader, str], ...] = (
    (_storage, ".local/share/containers/storage"),
    (_docker, ".local/share/docker"),
    (_lxc, ".local/share/lxc"),
)
"""Where a user's own do, below the home directory."""
