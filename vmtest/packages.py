"""Debian's packages, of any release and architecture, from where this machine's apt has its own; none is installed."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUITES = ("bullseye", "bookworm", "trixie", "trixie-backports", "sid")
SECURITY = ("bullseye-security", "bookworm-security", "trixie-security")

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
FRESH_SECONDS = 24 * 3600
"""Lists that are younger are not asked for again."""

LIMIT_SECONDS = 300
"""For one command of apt: a mirror that does not answer is one that is not there."""


class MissingError(Exception):
    """What is not to be had here: one sentence."""


@dataclass(frozen=True)
class Apt:
    """An apt of its own for one architecture, with everything it keeps in one folder."""

    arch: str
    folder: Path

    def update(self) -> None:
        """Has the lists of all suites, not older than a day."""
        for each in ("lists/partial", "cache/archives/partial", "parts"):
            (self.folder / each).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()  # nothing is installed: so all that a package needs comes with it
        (self.folder / "sources.list").write_text("".join(sources()))
        (self.folder / "apt.conf").write_text(self._settings())
        stamp = self.folder / "updated"
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > FRESH_SECONDS:
            self._run("apt-get", "update")
            stamp.touch()

    def names(self, prefix: str) -> list[str]:
        """Names of all packages that begin so."""
        return self._run("apt-cache", "pkgnames", prefix).split()

    def download(self, package: str, folder: Path) -> Path:
        """The package's file; MissingError also where the mirror has it in its lists, but no longer on its shelves."""
        self._run("apt-get", "download", package, cwd=folder)
        return next(folder.glob(f"{package}_*.deb"))

    def closure(self, suite: str, packages: tuple[str, ...]) -> list[Path]:
        """The files of the packages, of one suite, and of all that they need; until clean()."""
        self._run("apt-get", "--yes", "--download-only", f"--target-release={suite}", "install", *packages)
        return sorted((self.folder / "cache/archives").glob("*.deb"))

    def clean(self) -> None:
        """Gives back the room that the files of packages take."""
        self._run("apt-get", "clean")

    def _run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        # By -c, and not by APT_CONFIG, as that comes before what the machine has in apt.conf.d.
        command = [program, "-qq", "-c", self.folder / "apt.conf", *arguments]
        return _output_of(command, cwd)

    def _settings(self) -> str:
        values = {
            "APT::Architecture": self.arch,
            "APT::Architectures": self.arch,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # as "_apt" it could not write here
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::Check-Valid-Until": "false",  # releases that get no more updates have expired lists
            "Dir::State": self.folder,
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Cache::pkgcache": "pkgcache.bin",  # empty in images of containers: seconds a question
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": self.folder / "parts",
            "Dir::Etc::preferencesparts": self.folder / "parts",
        }
        # What the machine does after an update is for its own lists.
        cleared = ("APT::Architectures", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")
        lines = [*(f"#clear {name};" for name in cleared), *(f'{name} "{value}";' for name, value in values.items())]
        return "\n".join(lines) + "\n"


def _output_of(command: list[Any], cwd: Path | None) -> str:
    """What a command that fetches something says; MissingError where it fails or takes too long."""
    asked = " ".join(map(str, command))
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    try:
        done = subprocess.run(command, cwd=cwd, check=False, timeout=LIMIT_SECONDS, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{asked}: {error}") from error
    if done.returncode:
        raise MissingError(f"{asked}: {done.stderr.strip()}")
    return done.stdout


def sources() -> list[str]:
    """The lines of a sources.list with all suites, by the addresses that this machine's own have."""
    lines = []
    for archive, suites in (("debian", SUITES), ("debian-security", SECURITY)):
        address = mirror(archive)
        lines += [f"deb [signed-by={KEYS}] {address} {suite} main\n" for suite in suites]
    return lines


def mirror(archive: str) -> str:
    """The address that this machine has an archive of Debian's from."""
    line = re.compile(rf"^(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(\S+/{archive}/?)\s", re.MULTILINE)
    etc = Path("/etc/apt")
    for path in (etc / "sources.list", *sorted(etc.glob("sources.list.d/*"))):
        if path.suffix in {".list", ".sources"} and path.exists() and (found := line.search(path.read_text())):
            return found[1]
    raise MissingError(f"apt knows no mirror of {archive} here: the kernels are Debian's, and so is what fetches them")


def unpack(package: Path, folder: Path, *patterns: str) -> None:
    """Puts a package's files into a folder: all, or those that match a pattern of tar's."""
    with tempfile.TemporaryFile() as listing:  # tar closes the pipe early where it has all it wants
        subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=listing, check=True)
        listing.seek(0)
        command = ["tar", "-x", "-C", folder, "--keep-directory-symlink", "--wildcards", *patterns]
        done = subprocess.run(command, stdin=listing, check=False, capture_output=True, text=True)
    if done.returncode and not patterns:  # a pattern that nothing matches is an error to tar
        raise MissingError(f"{package.name}: {done.stderr}")
