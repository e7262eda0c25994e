"""State files of container runtimes, as Docker 26, Podman 5.4 and containerd 1.7 wrote them; CRI-O's by its source."""

import json
import os
from types import SimpleNamespace

import pytest

from whatran.errors import UsageError
from whatran.process import containers
from whatran.process.containers import Container, Containers, cgroups_of

ID = "885678c45b101410be9087683a0cc8084ec0d735b5277cd974496dc36f0b0a68"
OTHER = "8856dddd5b101410be9087683a0cc8084ec0d735b5277cd974496dc36f0b0a68"
IMAGE = "docker.io/library/busy:1.0"
UID = os.getuid()

DOCKER = "var/lib/docker/containers/{}/config.v2.json"
STORAGE = "var/lib/containers/storage/overlay-containers/containers.json"
CONTAINERD = "run/containerd/io.containerd.runtime.v2.task/{}/{}/config.json"


def put(root, path, content):
    """A file, with the directories it needs."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def docker(name="/web", image="busy:1.0"):
    """What config.v2.json says."""
    return {
        "State": {"Running": True, "Pid": 798, "Health": None},
        "ID": ID,
        "Config": {"Env": ["PATH=/bin"], "Cmd": ["sleep", "1"], "Image": image, "Volumes": None, "Labels": {"a": "b"}},
        "Image": "sha256:ecbd1e7654ed30b4650e7238be4c43be53b9d6dd01bf898b02cb194a68568f3c",
        "NetworkSettings": {"Networks": {"none": {"IPAMConfig": None}}},
        "Name": name,
        "Driver": "vfs",
        "HasBeenStartedBefore": True,
    }


def stored(container_id, name, metadata):
    """An entry of containers.json."""
    return {
        "id": container_id,
        "names": [name],
        "image": "ecbd1e7654ed30b4650e7238be4c43be53b9d6dd01bf898b02cb194a68568f3c",
        "layer": "e031c02ed1d8f51897d5040b9d0ad12732b927802aed1ea3fc0b43e4f0dc80d1",
        "metadata": json.dumps(metadata),
        "created": "2026-11-23T13:40:44.29240541Z",
        "flags": {"MountLabel": "", "ProcessLabel": ""},
    }


def podman(name, image=IMAGE, container_id=ID):
    """The same, by Podman."""
    metadata = {"image-name": image, "image-id": "ecbd1e76", "name": name, "created-at": 1795441244}
    return stored(container_id, name, metadata)


CRIO = stored(
    ID,
    "k8s_app_web-1_prod_d47e4bd1-bc00-4f17-85d1-ad3b6e000003_0",
    {
        "pod-name": "k8s_web-1_prod_d47e4bd1-bc00-4f17-85d1-ad3b6e000003_0",
        "pod-id": OTHER,
        "image-name": IMAGE,
        "image-id": "ecbd1e76",
        "name": "k8s_app_web-1_prod_d47e4bd1-bc00-4f17-85d1-ad3b6e000003_0",
        "metadata-name": "app",
        "created-at": 1795441244,
    },
)

CRI = {
    "ociVersion": "1.1.0",
    "process": {"args": ["sleep", "1"]},
    "annotations": {
        "io.kubernetes.cri.container-name": "app",
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.image-name": IMAGE,
        "io.kubernetes.cri.sandbox-id": OTHER,
        "io.kubernetes.cri.sandbox-name": "web-1",
        "io.kubernetes.cri.sandbox-namespace": "prod",
    },
}
SANDBOX = {
    "annotations": {
        "io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-name": "web-1",
        "io.kubernetes.cri.sandbox-namespace": "prod",
    }
}
KUBELET_NAME = "/k8s_app_web-1_prod_d47e4bd1-bc00-4f17-85d1-ad3b6e000003_0"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (DOCKER.format(ID), docker(), Container(ID, "web", "busy:1.0", None, None, "docker")),
        (
            f"var/snap/docker/common/var-lib-docker/containers/{ID}/config.v2.json",
            docker(),
            Container(ID, "web", "busy:1.0", None, None, "docker"),
        ),
        (DOCKER.format(ID), docker(name=KUBELET_NAME), Container(ID, "app", "busy:1.0", "web-1", "prod", "docker")),
        (DOCKER.format(ID), {"Config": None}, Container(ID, None, None, None, None, "docker")),
        (
            STORAGE,
            [podman("other", container_id=OTHER), podman("web")],
            Container(ID, "web", IMAGE, None, None, "podman"),
        ),
        (STORAGE, [podman("rootfs", image="")], Container(ID, "rootfs", None, None, None, "podman")),
        (STORAGE, [{"id": ID, "metadata": "{"}], Container(ID, None, None, None, None, "podman")),
        (
            "var/lib/containers/storage/vfs-containers/volatile-containers.json",
            [podman("rm")],
            Container(ID, "rm", IMAGE, None, None, "podman"),
        ),
        (STORAGE, [CRIO], Container(ID, "app", IMAGE, "web-1", "prod", "cri-o")),
        (CONTAINERD.format("k8s.io", ID), CRI, Container(ID, "app", IMAGE, "web-1", "prod", "containerd")),
        (CONTAINERD.format("k8s.io", ID), SANDBOX, Container(ID, None, None, "web-1", "prod", "containerd")),
        (
            CONTAINERD.format("default", ID),
            {"annotations": {"nerdctl/name": "web"}},
            Container(ID, "web", None, None, None, "containerd"),
        ),
        (CONTAINERD.format("moby", ID), {"annotations": None}, Container(ID, None, None, None, None, "docker")),
        (
            f"run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json",
            CRI,
            Container(ID, "app", IMAGE, "web-1", "prod", "containerd"),
        ),
        ("var/lib/lxc/lx-1/config", b"lxc.uts.name = x\n", Container("lx-1", "lx-1", None, None, None, "lxc")),
        (
            "run/systemd/machines/foo-bar",
            b"NAME=foo-bar\nSERVICE=systemd-nspawn\n",
            Container("foo-bar", "foo-bar", None, None, None, "systemd-nspawn"),
        ),
    ],
)
def test_each_runtime(tmp_path, path, content, expected):
    """What each runtime's own file says is told."""
    put(tmp_path, path, content)

    assert expected == Containers(tmp_path).find(expected.id)


@pytest.fixture
def home(monkeypatch):
    """The home directory of whoever is asked for."""
    monkeypatch.setattr(containers.pwd, "getpwuid", lambda uid: SimpleNamespace(pw_dir="/home/k"))
    return "home/k/"


@pytest.mark.parametrize(
    ("path", "content", "runtime"),
    [
        (".local/share/containers/storage/vfs-containers/containers.json", [podman("web")], "podman"),
        (f".local/share/docker/containers/{ID}/config.v2.json", docker(image=IMAGE), "docker"),
    ],
)
def test_a_users_own_container(tmp_path, home, path, content, runtime):
    """Where a user's own systemd runs a container, that user's files are asked."""
    put(tmp_path, home + path, content)

    assert Container(ID, "web", IMAGE, None, None, runtime) == Containers(tmp_path).find(ID, UID)


def test_a_user_cannot_take_another_ones_name(tmp_path, home):
    """Of a user's container the machine's files say nothing, and the other way round."""
    put(tmp_path, DOCKER.format(ID), docker())
    put(tmp_path, home + ".local/share/docker/containers/" + OTHER + "/config.v2.json", docker())
    known = Containers(tmp_path)

    assert [None, None] == [known.find(ID, UID), known.find(OTHER)]


def test_a_user_cannot_show_what_is_not_the_users(tmp_path, home):
    """A file in a user's home that is not the user's own is not read."""
    put(tmp_path, home + ".local/share/containers/storage/vfs-containers/containers.json", [podman("web")])

    assert Containers(tmp_path).find(ID, UID + 1) is None


def test_a_user_that_is_not_there(tmp_path):
    """A user without an entry in the user database has no containers."""
    assert Containers(tmp_path).find(ID, 4_000_000_123) is None


def fifo(file):
    """A pipe that nobody writes to."""
    file.unlink()
    os.mkfifo(file)


def link(file):
    """A link to the true file."""
    os.symlink(file.rename(file.with_name("true")), file)


def huge(file):
    """The same JSON, and more blanks than there may be bytes."""
    file.write_bytes(file.read_bytes() + b" " * containers.MOST_BYTES)


def deep(file):
    """More brackets than anybody closes."""
    file.write_bytes(b'{"x":' + b"[" * 1_000_000)


def folder(file):
    """A directory."""
    file.unlink()
    file.mkdir()


FILES = [(DOCKER.format(ID), docker()), (STORAGE, [podman("web")]), (CONTAINERD.format("default", ID), CRI)]


@pytest.mark.parametrize("spoil", [fifo, link, huge, deep, folder, os.unlink])
@pytest.mark.parametrize(("path", "content"), FILES, ids=["docker", "storage", "containerd"])
def test_a_file_that_is_none(tmp_path, path, content, spoil):
    """What is no regular file, or too large, or too deep, tells nothing and stops nobody."""
    file = put(tmp_path, path, content)
    assert Containers(tmp_path).find(ID).name is not None
    spoil(file)
    descriptors = os.listdir("/proc/self/fd")

    assert Containers(tmp_path).find(ID) is None
    assert descriptors == os.listdir("/proc/self/fd")


def test_a_pipe_with_all_of_it_in_it(tmp_path):
    """What comes out of a pipe is not what a runtime wrote."""
    file = put(tmp_path, DOCKER.format(ID), docker())
    content = file.read_bytes()
    fifo(file)
    writer = os.open(file, os.O_RDWR)
    os.write(writer, content)

    assert Containers(tmp_path).find(ID) is None
    os.close(writer)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (DOCKER.format(ID), b""),
        (DOCKER.format(ID), b"\xff\xfe"),
        (DOCKER.format(ID), b"null"),
        (DOCKER.format(ID), b'{"Name": "/web"'),
        (DOCKER.format(ID), b'{"Name": 7}'),
        (DOCKER.format(ID), b'{"Name": "\xff"}'),
        pytest.param(DOCKER.format(ID), b'{"Name": "%b"}' % (b"a" * 5000), id="long"),
        (STORAGE, b'{"id": 7}'),
        (STORAGE, b'[{"id": 7}]'),
        (STORAGE, b'["%b"]' % ID.encode()),
        (CONTAINERD.format("default", ID), b'{"annotations": []}'),
        (CONTAINERD.format("default", ID), b'{"annotations": {"nerdctl/name": []}}'),
    ],
)
def test_a_file_with_something_else_in_it(tmp_path, path, content):
    """Content that is not whole, or of no kind a runtime writes, tells nothing."""
    put(tmp_path, path, content)

    assert Containers(tmp_path).find(ID) is None


@pytest.mark.parametrize("name", ["..", "../x", "*", "", "a/b", "a\0b", ".hidden", "x\n", "\udcff"])
def test_a_name_that_is_no_file_name(tmp_path, name):
    """A name that no runtime gives is not looked for in files."""
    put(tmp_path, "var/lib/config", b"")
    put(tmp_path, "var/lib/lxc/x/config", b"")

    assert Containers(tmp_path).find(name) is None


def test_a_container_is_looked_up_once(tmp_path):
    """What was found is remembered, also once its files are gone."""
    file = put(tmp_path, DOCKER.format(ID), docker())
    known = Containers(tmp_path)
    first = known.find(ID)
    file.unlink()

    assert Container(ID, "web", "busy:1.0", None, None, "docker") == first == known.find(ID)


def test_who_is_not_found_is_asked_for_again(tmp_path):
    """A state file may be there a little later than the container."""
    known = Containers(tmp_path)
    before = known.find(ID)
    put(tmp_path, DOCKER.format(ID), docker())

    assert (None, "web") == (before, known.find(ID).name)


def test_who_is_never_found_costs_less_and_less(tmp_path, monkeypatch):
    """A container that no file tells of is looked for ever more seldom, and at last no more."""
    looked_up = []
    monkeypatch.setattr(containers, "_look_up", lambda *asked: looked_up.append(asked))
    known = Containers(tmp_path)
    total = [known.find(ID) or len(looked_up) for _ in range(1000)]

    assert [1, 2, 4, 8, 16, 32, 64] == [total.index(count) + 1 for count in range(1, 8)]
    assert 7 == total[-1]


def test_memory_is_bounded(tmp_path, monkeypatch):
    """Of more containers than can be remembered, those that were asked for last are."""
    asked = []
    monkeypatch.setattr(containers, "MOST_ANSWERS", 2)
    monkeypatch.setattr(containers, "_look_up", lambda _root, name, _uid: asked.append(name) or SimpleNamespace())
    known = Containers(tmp_path)
    for name in ("a", "b", "b", "a", "c", "a", "b"):
        known.find(name)

    assert ["a", "b", "c", "b"] == asked


@pytest.fixture
def running(tmp_path):
    """A machine's cgroups, and what its runtimes say: (root of the cgroups, containers)."""
    for path in (
        f"system.slice/docker-{ID}.scope/init.scope",
        f"machine.slice/libpod-{OTHER}.scope/container",
        f"machine.slice/libpod-conmon-{OTHER}.scope",
        f"docker/{'1' * 64}/docker/{'2' * 64}",
        "lxc.payload.webserver",
        "lxc.monitor.webserver",
        "system.slice/cron.service",
    ):
        (tmp_path / "cgroup" / path).mkdir(parents=True)
    put(tmp_path, DOCKER.format(ID), docker())
    put(tmp_path, DOCKER.format("1" * 64), docker(name="/twice"))
    put(tmp_path, DOCKER.format("2" * 64), docker(name=KUBELET_NAME.replace("app", "twice")))
    put(tmp_path, STORAGE, [podman("db", container_id=OTHER)])
    return tmp_path / "cgroup", Containers(tmp_path)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("web", f"system.slice/docker-{ID}.scope"),
        (ID, f"system.slice/docker-{ID}.scope"),
        ("88567", f"system.slice/docker-{ID}.scope"),
        ("db", f"machine.slice/libpod-{OTHER}.scope"),
        ("1111", f"docker/{'1' * 64}"),
        ("2222", f"docker/{'1' * 64}/docker/{'2' * 64}"),
        ("webserver", "lxc.payload.webserver"),
    ],
)
def test_the_cgroup_of_a_container(running, given, path):
    """A name, an id or the beginning of one leads to the container's outermost directory."""
    root, known = running

    assert [root / path] == cgroups_of(given, root, known)


def test_a_container_with_several_cgroups(running):
    """All directories that are the container's and not below each other are given."""
    root, known = running
    (root / f"extra/docker-{ID}.scope").mkdir(parents=True)

    assert [root / f"extra/docker-{ID}.scope", root / f"system.slice/docker-{ID}.scope"] == cgroups_of(
        "web", root, known
    )


@pytest.mark.parametrize(
    ("given", "candidates"),
    [
        ("8856", rf"'db' \('{OTHER[:12]}'\), 'web' \('{ID[:12]}'\)"),
        ("twice", rf"'twice' \('{'1' * 12}'\), 'twice' \('{'2' * 12}', pod 'prod/web-1'\)"),
    ],
)
def test_an_ambiguous_container(running, given, candidates):
    """Where several containers fit, an error names them."""
    root, known = running

    with pytest.raises(UsageError, match=f"several containers fit '{given}': {candidates}; give the id of one"):
        cgroups_of(given, root, known)


@pytest.mark.parametrize("given", ["nginx", "885", "", "webs", "cron.service"])
def test_a_container_that_is_not_running(running, given):
    """Where none fits, an error names those that run."""
    root, known = running

    with pytest.raises(UsageError, match=rf"no running container '{given}': those running are .* 'webserver', 'db' "):
        cgroups_of(given, root, known)


@pytest.mark.parametrize("root", ["cgroup", "nowhere"])
def test_no_container_is_running(tmp_path, root):
    """Where there is no container at all, the error says that."""
    (tmp_path / "cgroup/system.slice/cron.service").mkdir(parents=True)

    with pytest.raises(UsageError, match="no running container 'web': none is running, as far as cgroups tell"):
        cgroups_of("web", tmp_path / root, Containers(tmp_path))


def test_a_long_list_of_containers_is_cut(tmp_path):
    """An error names no more containers than can be read, and what they are called as Python writes it."""
    for number in range(12):
        (tmp_path / f"lxc.payload.{number:x}\x1b").mkdir()

    with pytest.raises(UsageError, match=r"running are '0\\x1b', .* '9\\x1b' and 2 more; give a name") as caught:
        cgroups_of("web", tmp_path, Containers(tmp_path))
    assert "\x1b" not in str(caught.value)
