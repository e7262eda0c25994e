"""Which kernels the tests run on, and their images."""

from __future__ import annotations

import lzma
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vmtest.packages import MissingError, unpack

if TYPE_CHECKING:
    from vmtest.packages import Apt

NEWEST = "newest"
RT = "-rt"

ALL = {
    "amd64": ("5.10", "6.1", "6.12", "6.12-rt", "6.16", "6.17", "6.18", "6.19", "7.0", "7.1", "7.2", NEWEST),
    "arm64": ("5.10", "6.1", "6.12", "6.18", NEWEST),
}
"""Series by architecture, from the oldest that Debian's mirrors still have."""

MODULES = ("overlay", "binfmt_misc")
"""What the tests use of what Debian builds as modules."""


@dataclass(frozen=True)
class Kernel:
    """A kernel that can be booted, in a folder of its own."""

    arch: str
    release: str
    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def modules(self) -> list[Path]:
        """Those of MODULES that could be had; Debian keeps the modules of a build for less long than its image."""
        return sorted(self.folder.glob("*.ko"))


def fetch(apt: Apt, series: str, folder: Path) -> Kernel:
    """The last build of a series that can be had, of the cloud's flavour, or for 6.12-rt of that of real time."""
    for release in releases(apt, series):
        kernel = Kernel(apt.arch, release, folder / release)
        if kernel.image.exists() or _download(apt, kernel):
            return kernel
    raise MissingError(f"{apt.arch} {series}: Debian's mirror has no kernel of that series any more")


def releases(apt: Apt, series: str) -> list[str]:
    """The releases of a series, the last one first."""
    flavour = "rt" if series.endswith(RT) else "cloud"
    pattern = re.compile(rf"linux-(?:image|binary)-(\d+\.\d+\.\S*-{flavour}-{apt.arch})")
    found = {match[1] for name in apt.names("linux-") if (match := pattern.fullmatch(name))}
    ordered = sorted(found, key=_numbers, reverse=True)
    if series == NEWEST:
        return ordered
    wanted = _numbers(series)
    return [release for release in ordered if _numbers(release)[:2] == wanted]


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", release.partition("-rt")[0])))


def _download(apt: Apt, kernel: Kernel) -> bool:
    """Whether the image is in the kernel's folder by now: since 6.19 -image packages are empty."""
    known = set(apt.names("linux-"))
    with tempfile.TemporaryDirectory(dir=apt.folder) as name:
        place = Path(name)
        for what in ("image", "binary", "modules"):
            for package in (f"linux-{what}-{kernel.release}", f"linux-{what}-{kernel.release}-unsigned"):
                if package in known:
                    _take(apt, package, place)
        images = [path for path in place.rglob("vmlinuz*") if path.is_file()]
        if not images:
            return False
        kernel.folder.mkdir(parents=True, exist_ok=True)
        for path in place.rglob("*.ko*"):
            plain = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
            (kernel.folder / f"{path.name.partition('.')[0]}.ko").write_bytes(plain)
        shutil.copy(images[0], place / "vmlinuz")
        (place / "vmlinuz").replace(kernel.image)
    return True


def _take(apt: Apt, package: str, place: Path) -> None:
    """Unpacks the image and the modules of a package, if it can be had."""
    try:
        path = apt.download(package, place)
    except MissingError:
        return
    unpack(path, place, "*/vmlinuz*", *(f"*/{module}.ko*" for module in MODULES))
    path.unlink()
