"""Compiles bpf/whatran.bpf.c into the package: as hatchling's build hook, or alone by ``python hatch_build.py``."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCE = Path("bpf/whatran.bpf.c")  # from ROOT, so that no path of this machine gets into the object
OBJECT = ROOT / "src/whatran/source/whatran.bpf.o"

OLDEST_CLANG = 16
NEWEST_CLANG = 22
CLANGS = ("clang", *(f"clang-{version}" for version in range(NEWEST_CLANG, OLDEST_CLANG - 1, -1)))
INCLUDE_FOLDERS = (Path("/usr/include"), Path("/usr/local/include"))

FLAGS = (
    "-mcpu=v3",
    "-O2",
    "-g",  # the BTF comes with it
    "-Wall",
    "-Werror",
    # BPF_CORE_READ of libbpf < 1.6 declares a const variable; only clang >= 21 knows this warning.
    "-Wno-unknown-warning-option",
    "-Wno-default-const-init-var-unsafe",
    "-fno-unwind-tables",  # else zig writes .eh_frame, which libbpf skips with a complaint
    f"-ffile-prefix-map={ROOT}=.",
    "-nostdinc",
)

NO_COMPILER = (
    f"whatran: no compiler for the kernel program: install clang {OLDEST_CLANG} or newer"
    " (Debian, Ubuntu: clang or clang-19; Fedora: clang), or the Python package ziglang."
)
NO_HEADERS = (
    "whatran: libbpf's header bpf/bpf_helpers.h is missing:"
    " install libbpf-dev (Debian, Ubuntu) or libbpf-devel (Fedora)."
)


WITHOUT = "Going on without it: commands can be followed all the same, by ptrace."


class MissingTool(SystemExit):
    """What it takes to compile the kernel program is not here: one sentence with the next step."""


class BuildHook(BuildHookInterface[Any]):
    """Puts the object into src before hatchling collects the files of a wheel, an sdist or an editable install."""

    def dependencies(self) -> list[str]:
        """Zig's clang (100 MB) where the object has to be compiled and this machine has none."""
        return [] if is_fresh() or find_clang() else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, where it is needed; for a checkout, which can be used without, if it can be done."""
        if not is_fresh():
            (compile_if_possible if version == "editable" else compile_object)()


def is_fresh() -> bool:
    """Whether the object is there and no older than what it is made of; an sdist's always is."""
    if not OBJECT.exists():
        return False
    if (ROOT / "PKG-INFO").exists():  # an sdist; pip may unpack it without the times
        return True
    return all(path.stat().st_mtime <= OBJECT.stat().st_mtime for path in (*ROOT.glob("bpf/*"), Path(__file__)))


def compile_object() -> None:
    """Write the object, whole or not at all; SystemExit with one sentence where something is missing."""
    headers = find_headers()
    compiler = find_compiler()
    with tempfile.TemporaryDirectory(dir=OBJECT.parent) as folder:
        # Only libbpf's headers are wanted, not the rest of the folder they are in.
        Path(folder, "bpf").symlink_to(headers / "bpf")
        made = Path(folder, OBJECT.name)
        places = ["-isystem", folder, f"-ffile-prefix-map={folder}=.", "-c", str(SOURCE), "-o", str(made)]
        if subprocess.run([*compiler, *FLAGS, *places], cwd=ROOT, check=False).returncode:
            sys.exit(f"whatran: {SOURCE} does not compile with {compiler[0]}; its messages are above.")
        strip(made)
        made.replace(OBJECT)


def compile_if_possible() -> None:
    """Write the object, or say why not."""
    try:
        compile_object()
    except MissingTool as missing:
        print(missing, WITHOUT, file=sys.stderr)  # noqa: T201  # nobody else would say it


def find_headers() -> Path:
    """The folder with bpf/bpf_helpers.h in it."""
    for folder in INCLUDE_FOLDERS:
        if (folder / "bpf/bpf_helpers.h").exists():
            return folder
    raise MissingTool(NO_HEADERS)


def find_compiler() -> list[str]:
    """The compiler's command line, target included: clang's, else zig's."""
    if clang := find_clang():
        return [clang, "-target", "bpf"]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-target", "bpfel-freestanding"]
    raise MissingTool(NO_COMPILER)


def find_clang() -> str | None:
    """Path of the first clang on PATH that is new enough."""
    for name in CLANGS:
        if (path := shutil.which(name)) and clang_version(path) >= OLDEST_CLANG:
            return path
    return None


def clang_version(path: str) -> int:
    """Major version; 0 where it does not say."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"clang version (\d+)", answer)
    return int(found[1]) if found else 0


def strip(path: Path) -> None:
    """Remove DWARF, nine tenths of the object, where there is a tool for it; libbpf reads only the BTF."""
    for name in CLANGS:
        if tool := shutil.which(name.replace("clang", "llvm-strip")):
            subprocess.run([tool, "-g", path], check=True)
            return


if __name__ == "__main__":
    compile_if_possible()
