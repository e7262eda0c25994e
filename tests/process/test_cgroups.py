"""Paths of cgroups; those of containers as seen on a machine with each runtime, unless a comment says otherwise."""

import pytest

from whatran.process.cgroups import Placement, placement

ID = "885678c45b101410be9087683a0cc8084ec0d735b5277cd974496dc36f0b0a68"
OUTER = "a2a4722fb6447065c897dda40892c742846a66527927c9fc5abef2020f0d07c5"
UID = "d47e4bd1-bc00-4f17-85d1-ad3b6e000003"
MANAGER = "/user.slice/user-1000.slice/user@1000.service"
POD_SLICE = f"kubepods-burstable-pod{UID.replace('-', '_')}.slice"
PODS = "/kubepods.slice/kubepods-burstable.slice"


def test_all_that_a_path_tells():
    """A pod's container under systemd has a unit, a slice, an id and the pod's uid."""
    scope = f"cri-containerd-{ID}.scope"

    assert Placement(scope, POD_SLICE, None, ID, UID) == placement(f"{PODS}/{POD_SLICE}/{scope}")


@pytest.mark.parametrize("path", ["/", "", "/default/myctr", "/my/own"])
def test_a_path_that_tells_nothing(path):
    """What is neither systemd's nor a container's is nothing."""
    assert Placement(None, None, None, None, None) == placement(path)


@pytest.mark.parametrize(
    ("path", "unit", "slice_"),
    [
        ("/system.slice/systemd-udevd.service/udev", "systemd-udevd.service", "system.slice"),
        ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "system-getty.slice"),
        ("/init.scope", "init.scope", "-.slice"),
        ("/dev-mqueue.mount", "dev-mqueue.mount", "-.slice"),
        ("/user.slice/user-1000.slice", None, "user-1000.slice"),
        (
            r"/system.slice/system-foo\x5cx2dbar.slice/foo\x2dbar@inst-a.service",
            r"foo\x2dbar@inst-a.service",
            r"system-foo\x5cx2dbar.slice",
        ),
        # escaped, as the kernel or systemd itself has a use for the name
        ("/a.slice/a-b.slice/_cgroup.x.service", "cgroup.x.service", "a-b.slice"),
        ("/system.slice/_memory.x.service", "memory.x.service", "system.slice"),
        ("/system.slice/__under.service", "_under.service", "system.slice"),
        # from systemd's own tests
        ("/system.slice/getty####@tty6.service/xxx", None, "system.slice"),
        ("/user.slice/user-1000.slice/user@.service/server.service", None, "user-1000.slice"),
        ("/foobar@pie.slice/foobar.service", None, None),
        ("/session-3.scope/_cpu.service", "cpu.service", "-.slice"),
    ],
)
def test_units_of_the_machine(path, unit, slice_):
    """The unit is the first name after the slices, and the slice the last of those."""
    place = placement(path)

    assert (unit, slice_) == (place.unit, place.slice)


@pytest.mark.parametrize(
    ("below", "unit", "slice_"),
    [
        ("/app.slice/mine.service", "mine.service", "app.slice"),
        ("/init.scope", "init.scope", "-.slice"),
        ("", "user@1000.service", "user-1000.slice"),
        ("/app.slice", "user@1000.service", "user-1000.slice"),
        ("/sub", "user@1000.service", "user-1000.slice"),
    ],
)
def test_units_of_a_user(below, unit, slice_):
    """Where a user's own systemd runs the unit, that unit and its slice are told, and whose it is."""
    place = placement(MANAGER + below)

    assert (unit, slice_, 1000) == (place.unit, place.slice, place.owner_uid)


def test_a_login_session_is_the_machines():
    """A login session is in a slice of the user's, but run by the machine's systemd."""
    path = "/user.slice/user-1000.slice/session-2.scope"

    assert Placement("session-2.scope", "user-1000.slice", None, None, None) == placement(path)


@pytest.mark.parametrize(
    "path",
    [
        # Docker 26, with either driver; the last where a slice was given to the one that does not know slices
        f"/system.slice/docker-{ID}.scope",
        f"/my.slice/my-own.slice/docker-{ID}.scope",
        f"/docker/{ID}",
        f"/my/own/{ID}",
        f"/system.slice/my.slice/{ID}",
        # Podman 5.4, with crun and runc; --cgroups=split; without systemd; of a user
        f"/machine.slice/libpod-{ID}.scope/container",
        f"/machine.slice/libpod-{ID}.scope",
        f"/machine.slice/machine-libpod_pod_{OUTER}.slice/libpod-{ID}.scope/container",
        f"/system.slice/quadlet.service/libpod-payload-{ID}",
        f"/libpod_parent/libpod-{ID}",
        f"/mine/libpod-{ID}",
        f"{MANAGER}/user.slice/libpod-{ID}.scope/container",
        # containerd 1.7 for Kubernetes; the last where only the kubelet was told of systemd
        f"{PODS}/{POD_SLICE}/cri-containerd-{ID}.scope",
        f"/kubepods/besteffort/pod{UID}/{ID}",
        f"/system.slice/{POD_SLICE}:cri-containerd:{ID}",
        # from documentation and sources: CRI-O, nerdctl, ECS, GitHub's runners, Docker without root
        f"{PODS}/{POD_SLICE}/crio-{ID}.scope",
        f"{PODS}/{POD_SLICE}/crio-{ID}.scope/container",
        f"/kubepods/besteffort/pod{UID}/crio-{ID}",
        f"/system.slice/nerdctl-{ID}.scope",
        f"/default/{ID}",
        f"/ecs/0cba44a3a37e4a78a0b5ac1f8b1e7b50/{ID}",
        f"/actions_job/{ID}",
        f"{MANAGER}/user.slice/docker-{ID}.scope",
    ],
)
def test_the_container_of_an_engine(path):
    """The id is found in what each engine makes of it."""
    assert ID == placement(path).container_id


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/lxc.payload.lx-1", "lx-1"),
        ("/lxc.payload.lx-1/.lxc", "lx-1"),
        (r"/machine.slice/machine-foo\x2dbar.scope/payload", "foo-bar"),
        ("/machine.slice/systemd-nspawn@foo-bar.service/payload", "foo-bar"),
        ("/docker/buildkit/lutua73jx0zrmaie09ktwmxct", "lutua73jx0zrmaie09ktwmxct"),
        ("/system.slice/system.slice:docker:znjuodfvg6vzyuxwhsv6lckqk", "znjuodfvg6vzyuxwhsv6lckqk"),
        ("/system.slice/crun-buildah-buildah3668179540.scope/container", "buildah-buildah3668179540"),
        # from documentation and sources: LXC before 4, a systemd within it; a byte that is no text; ECS on Fargate
        ("/lxc/101/ns/system.slice/ssh.service", "101"),
        ("/lxc.payload/web", "web"),
        (r"/machine.slice/machine-caf\xc3\xa9\xff.scope", "café\udcff"),
        (
            "/ecs/0cba44a3a37e4a78a0b5ac1f8b1e7b50/0cba44a3a37e4a78a0b5ac1f8b1e7b50-2531612879",
            "0cba44a3a37e4a78a0b5ac1f8b1e7b50-2531612879",
        ),
    ],
)
def test_the_container_of_others(path, name):
    """LXC and systemd-nspawn have names for an id; build steps and Fargate have ids of another kind."""
    assert name == placement(path).container_id


@pytest.mark.parametrize(
    "path",
    [
        # what watches over a container; the first two from sources
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"{PODS}/{POD_SLICE}/crio-conmon-{ID}.scope",
        "/libpod_parent/conmon",
        "/system.slice/quadlet.service/runtime",
        "/machine.slice/systemd-nspawn@foo-bar.service/supervisor",
        r"/machine.slice/machine-foo\x2dbar.scope/supervisor",
        "/lxc.monitor.lx-1",
        "/lxc.pivot",
        # a pod's own slice, Podman's and Kubernetes', and what another puts there
        f"/machine.slice/machine-libpod_pod_{ID}.slice",
        f"{PODS}/{POD_SLICE}",
        # made up: units with a hash for a name, and names that are nearly those of a container
        f"/system.slice/{ID}.service",
        f"/system.slice/{ID}.scope",
        f"/system.slice/backup-{ID}.scope",
        f"/system.slice/docker-{ID}.service",
        f"/docker/{ID[:-1]}",
        f"/docker/{ID.upper()}",
        f"/docker/{ID}0",
        f"/docker/x{ID}",
        "/system.slice/docker.service",
        "/docker/buildkit",
        "/mybuild/lutua73jx0zrmaie09ktwmxct",
        f"/jobs/{ID[:32]}-1",
        # from sources: a virtual machine; made up: a machine's name where no machine is
        r"/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/emulator",
        "/system.slice/machine-web.scope",
    ],
)
def test_no_container(path):
    """What only looks like one, or looks after one, is not a container."""
    assert placement(path).container_id is None


@pytest.mark.parametrize(
    "path",
    [
        f"/docker/{OUTER}/libpod_parent/libpod-{ID}",
        f"/system.slice/docker-{OUTER}.scope/kubelet.slice/kubelet-kubepods.slice/cri-containerd-{ID}.scope",
        f"/lxc.payload.web/docker/{ID}/init.scope",
        f"/kubepods/besteffort/pod{UID}/{OUTER}/docker/{ID}",
    ],
)
def test_the_innermost_container_wins(path):
    """Of containers in containers, as kind has them, the innermost is told."""
    assert ID == placement(path).container_id


def test_a_container_in_which_others_are_watched():
    """What watches over a container from within another is in that other."""
    assert OUTER == placement(f"/docker/{OUTER}/machine.slice/libpod-conmon-{ID}.scope").container_id


def test_a_systemd_in_a_container_is_not_the_machines():
    """Units of a systemd inside of a container are not told: only that container's is the machine's."""
    scope = f"docker-{ID}.scope"

    assert Placement(scope, "system.slice", None, ID, None) == placement(
        f"/system.slice/{scope}/system.slice/nginx.service"
    )


@pytest.mark.parametrize(
    ("path", "uid"),
    [
        (f"{PODS}/{POD_SLICE}", UID),
        (f"/kubepods/besteffort/pod{UID}/{ID}", UID),
        (f"/system.slice/{POD_SLICE}:cri-containerd:{ID}", UID),
        # from documentation: guaranteed, kind's, static, nested in another pod's container
        (f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/crio-conmon-{ID}.scope", UID),
        (f"/docker/{OUTER}/kubelet.slice/kubelet-kubepods.slice/kubelet-{POD_SLICE}/cri-containerd-{ID}.scope", UID),
        (f"/kubepods/burstable/pod{ID[:32]}/{ID}", ID[:32]),
        (f"/kubepods/burstable/pod{ID[:32]}/{OUTER}/kubepods/besteffort/pod{UID}/{ID}", UID),
        (f"/kubepods/besteffort/podium/{ID}", None),
        (f"/machine.slice/machine-libpod_pod_{ID}.slice/libpod-{ID}.scope", None),
    ],
)
def test_the_pod(path, uid):
    """A pod's uid is in its own cgroup's name, with dashes where a slice cannot have them."""
    assert uid == placement(path).pod_uid
