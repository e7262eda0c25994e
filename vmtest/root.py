"""The root file system of the guests: Debian's Python, compiler and tools, and what is tested."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from vmtest.cpio import Archive
from vmtest.packages import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vmtest.kernels import Kernel
    from vmtest.packages import Apt

HERE = Path(__file__).parent
ROOT = HERE.parent

SUITE, PYTHON = "bookworm", "3.11"
"""A release, and the version of its Python: the oldest that whatran runs with."""

PACKAGES = (
    *("python3", "libbpf1", "gcc", "libc6-dev", "make", "kmod", "base-passwd"),
    *("bash", "coreutils", "dash", "findutils", "grep", "libc-bin", "mount", "procps", "sed", "util-linux"),
)
TESTED_WITH = ("hypothesis", "pytest>=9")

LINKS = {
    "usr/bin/cc": "gcc",
    "usr/bin/sh": "dash",
    "etc/mtab": "/proc/self/mounts",
}
"""What scripts of the packages would make, which are not run."""

EMPTY = ("dev", "proc", "root", "run", "sys", "tmp", "var/tmp")
DEAD = (
    *("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "usr/lib/systemd", "usr/lib/udev"),
    *("usr/lib/*/gconv", "usr/lib/*/perl*", "usr/share/perl*", "usr/share/zoneinfo", "usr/share/i18n"),
    *("usr/lib/*/lib?san.so*", "usr/lib/gcc/*/*/lib?san*", "usr/lib/gcc/*/*/lto1", "usr/lib/gcc/*/*/lto-wrapper"),
)
"""What no test asks for; nine tenths of it sanitizers and languages."""

PLATFORMS = {"amd64": "x86_64", "arm64": "aarch64"}
PROJECT = ("bpf", "bench", "src", "tests", "hatch_build.py", "pyproject.toml")


def recipe() -> str:
    """Another one where the base would be made otherwise."""
    return hashlib.sha256(repr((Path(__file__).read_text(), _dependencies())).encode()).hexdigest()[:12]


def _dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *TESTED_WITH]


def base(apt: Apt, path: Path) -> None:
    """Writes what does not change from run to run, as an archive: Debian's part, and Python packages."""
    with tempfile.TemporaryDirectory(dir=apt.folder) as name:
        root = Path(name)
        _debian(apt, root)
        _python(apt.arch, root)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as made:
            archive = Archive(made)
            for each in sorted(root.iterdir()):
                archive.tree(each, each.name)
            archive.close()
        Path(made.name).replace(path)


def _debian(apt: Apt, root: Path) -> None:
    for each in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / each).mkdir(parents=True)
        (root / each).symlink_to(f"usr/{each}")
    for package in apt.closure(SUITE, PACKAGES):
        unpack(package, root)
    apt.clean()
    for pattern in DEAD:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for each in EMPTY:
        (root / each).mkdir(parents=True, exist_ok=True)
    for each, target in LINKS.items():
        (root / each).unlink(missing_ok=True)
        (root / each).symlink_to(target)
    for each in ("passwd", "group"):
        shutil.copy(root / f"usr/share/base-passwd/{each}.master", root / "etc" / each)


def _python(arch: str, root: Path) -> None:
    """What whatran and its tests import; where this is the same Python, all compiled, as emulation takes so long."""
    site = root / f"usr/local/lib/python{PYTHON}/dist-packages"
    platforms = [f"--platform=manylinux_{glibc}_{PLATFORMS[arch]}" for glibc in ("2_17", "2_28", "2_34")]
    of_guest = [f"--python-version={PYTHON}", "--implementation=cp", "--only-binary=:all:", *platforms]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile"]
    subprocess.run([*pip, f"--target={site}", *of_guest, *_dependencies()], check=True)
    (site / "project.pth").write_text("/project/src\n")
    if ".".join(map(str, sys.version_info[:2])) == PYTHON:
        folders = [site, root / f"usr/lib/python{PYTHON}"]
        compiled = ["-q", "--invalidation-mode=unchecked-hash", "-s", root, "-p", "/", *folders]
        subprocess.run([sys.executable, "-m", "compileall", *compiled], check=False)  # some are meant not to compile


def image(base: Path, kernels: Iterable[Kernel], pytest: str, path: Path) -> None:
    """Writes what guests of one architecture begin with: the base, this project as it is, the kernels' modules."""
    shutil.copy(base, path)
    with path.open("ab") as out:
        archive = Archive(out)
        archive.tree(HERE / "init.sh", "init")
        archive.add("project", 0o40755)
        for each in PROJECT:
            archive.tree(ROOT / each, f"project/{each}", ("__pycache__",))
        archive.add("project/pytest.args", 0o100644, pytest.encode(), int(time.time()))
        archive.add("modules", 0o40755)
        for kernel in kernels:
            archive.add(f"modules/{kernel.release}", 0o40755)
            for module in kernel.modules:
                archive.tree(module, f"modules/{kernel.release}/{module.name}")
        archive.close()
