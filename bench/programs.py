"""The programs and the C project that all benches run."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

SOURCE = "lua5.4"
"""A Debian source package with a makefile that asks for no more than a compiler."""


@dataclass(frozen=True)
class Programs:
    """Where the programs are; what each does, its source says."""

    storm: Path
    gate: Path
    now: Path
    first: Path
    crowd: Path
    static: Path
    """Does nothing."""
    dynamic: Path
    """Does nothing either."""

    def storm_of(self, execs: int, program: Path | str) -> list[str]:
        """Command line that executes a program so often, one after another."""
        return [str(self.storm), "1", str(execs), os.devnull, str(program)]


def build(folder: Path) -> Programs:
    """All of them, compiled into a folder."""
    nothing = folder / "nothing.c"
    nothing.write_text("int main(void) { return 0; }\n")
    built = Programs(**{name: folder / name for name in Programs.__dataclass_fields__})
    for source, made, *flags in (
        (HERE / "storm.c", built.storm),
        (HERE / "gate.c", built.gate),
        (HERE / "now.c", built.now),
        (HERE / "crowd.c", built.crowd, "-static"),
        (HERE / "first.c", built.first, "-static", "-nostdlib", "-fno-stack-protector"),
        (nothing, built.static, "-static"),
        (nothing, built.dynamic),
    ):
        subprocess.run(["cc", "-O2", *flags, "-o", made, source], check=True)
    return built


def build_bpf(source: Path, folder: Path) -> Path:
    """A small kernel program, compiled as that of whatran is."""
    hatch_build = runpy.run_path(str(ROOT / "hatch_build.py"))
    made = folder / f"{source.stem}.o"
    places = ["-I", ROOT / "bpf", "-isystem", hatch_build["find_headers"](), "-c", source, "-o", made]
    subprocess.run([*hatch_build["find_compiler"](), *hatch_build["FLAGS"], *places], check=True, cwd=ROOT)
    return made


def project(folder: Path) -> Path:
    """Directory of a C project with a makefile, fetched from where this machine has its packages from."""
    with tempfile.TemporaryDirectory() as name:
        apt = Path(name)
        for each in ("lists/partial", "cache/archives/partial", "sources"):
            (apt / each).mkdir(parents=True)
        places = Path("/etc/apt/sources.list.d/debian.sources").read_text()
        (apt / "sources" / "debian.sources").write_text(re.sub(r"(?m)^Types: .*$", "Types: deb-src", places))
        settings = {
            "Dir::Etc::sourcelist": "-",
            "Dir::Etc::sourceparts": apt / "sources",
            "Dir::State::lists": apt / "lists",
            "Dir::Cache": apt / "cache",
        }
        get = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
        subprocess.run([*get, "update"], check=True)
        subprocess.run([*get, "source", "--download-only", SOURCE], check=True, cwd=apt, stderr=subprocess.DEVNULL)
        (path,) = apt.glob("*.orig.tar.*")
        subprocess.run(["tar", "-xf", path, "-C", folder], check=True)
    return next(folder.glob("lua-*/src"))
