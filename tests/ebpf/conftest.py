"""Fixtures of the tests that need eBPF: who may run at all, and the witness programs."""

import contextlib
import gc
import os
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

import whatran
from whatran.source import probe
from whatran.source.choose import ebpf_blocker

from .programs import BUILDS, build, remove_cgroup
from .truth import cgroup2_mount, told

REQUIRE = "WHATRAN_REQUIRE_EBPF"


@pytest.fixture(scope="session", autouse=True)
def _ebpf():
    """Skips where eBPF cannot be used, with the reason; fails there if WHATRAN_REQUIRE_EBPF=1."""
    blocker = ebpf_blocker()
    if blocker is not None and os.environ.get(REQUIRE) == "1":
        pytest.fail(blocker, pytrace=False)
    if blocker is not None:
        pytest.skip(f"{blocker} ({REQUIRE}=1 makes this a failure)")


@pytest.fixture(scope="session")
def failed_execs(_ebpf):
    """Skips where the kernel has no way to tell of execs that failed."""
    if probe.has_helper_current_task().answer == probe.NO:
        pytest.skip("the kernel has no bpf_get_current_task_btf(): execs that failed are not told")


@pytest.fixture(scope="session")
def overlay(_ebpf, tmp_path_factory):
    """Skips where the kernel has no overlay file system."""
    place = tmp_path_factory.mktemp("overlay")
    for name in ("one", "two"):
        (place / name).mkdir()
    mount = ["unshare", "--mount", "mount", "-t", "overlay", "-o", "lowerdir=one:two", "none", "one"]
    done = subprocess.run(mount, cwd=place, check=False, capture_output=True, text=True)
    if "unknown filesystem" in done.stderr:
        pytest.skip("the kernel has no overlay file system")


@pytest.fixture(autouse=True)
def _no_descriptor_leaks(_ebpf):
    """Each test leaves the open descriptors as it found them."""
    before = open_descriptors()
    yield
    gc.collect()
    assert before == open_descriptors()


def open_descriptors():
    """What each open descriptor is, by its number; but for the one that lists them."""
    links = {}
    with os.scandir("/proc/self/fd") as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                links[entry.name] = os.readlink(entry.path)
    return {number: link for number, link in links.items() if not link.endswith("/fd")}


@pytest.fixture
def place():
    """Directory of one test that everyone may enter, with a short path."""
    name = tempfile.mkdtemp(prefix="whatran-")
    os.chmod(name, 0o755)
    yield Path(name)
    subprocess.run(["rm", "-rf", name], check=True)  # shutil.rmtree() is recursive, and trees here are deep


@pytest.fixture(scope="session")
def programs(_ebpf):
    """Directory that everyone may enter, with the witness programs."""
    with tempfile.TemporaryDirectory(prefix="whatran-") as name:
        os.chmod(name, 0o755)
        for output, arguments in BUILDS.items():
            build(Path(name) / output, *arguments)
        yield Path(name)


@pytest.fixture
def run_told(capfd):
    """What whatran.run() gives of a command, and what the witnesses said meanwhile."""

    def run(command, **options):
        capfd.readouterr()
        completed = whatran.run([os.fspath(each) for each in command], **options)
        return completed, told(capfd.readouterr().out)

    return run


@pytest.fixture
def groups():
    """Makes new cgroups of the v2 hierarchy; afterwards who is in them is ended, and they are gone."""
    made = []

    def make(below=None):
        made.append((below or Path(cgroup2_mount())) / f"whatran-{uuid.uuid4().hex}")
        made[-1].mkdir()
        return made[-1]

    yield make
    for path in reversed(made):
        remove_cgroup(path)


@pytest.fixture
def core_pattern():
    """The file that says what becomes of cores; as it was afterwards."""
    path = Path("/proc/sys/kernel/core_pattern")
    before = path.read_bytes()
    yield path
    path.write_bytes(before)
