"""Makes the recordings of tests/data, with nothing in them of a machine but what its kernel says.

`scripts/golden.py` records a small build anew, as root. `scripts/golden.py RAW.wr kernels/RELEASE-MACHINE` takes a
recording that was made under some other kernel, of `sh build.sh` with scripts/demo/odd.sh as build.sh. What the
expected outputs become is for the eye to judge: git diff shows it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from whatran.recording import format as form
from whatran.recording.read import Block, parts
from whatran.recording.write import Chapter

DATA = Path(__file__).parent.parent / "tests/data"
FORMATS = ("table", "tree", "jsonl", "lives")
FORMATS_OF_KERNELS = ("tree", "jsonl")
HEADER = {
    "recording": "0123456789abcdef",
    "boot_id": "11111111-2222-4333-8444-555555555555",
    "host": "demo",
    "argv": ["whatran", "record", "-o", "demo.wr", "--", "sh", "build.sh"],
}
BUILD = r"""
cc -o hello hello.c
./hello | tr a-z A-Z
nosuch --version
./hello "$(printf 'two\nlines')" "$(printf '\377 \033[31mred')" ''
sh -c 'kill -9 $$'
exec env LANG=C false
"""


def main() -> None:
    """Make what was asked for."""
    if len(sys.argv) == 1:
        build()
    else:
        raw, name = sys.argv[1:]
        keep(Path(raw), name, {}, FORMATS_OF_KERNELS)


def build() -> None:
    """Record the build here."""
    folder = Path("/tmp/whatran-demo")  # noqa: S108  # its name is in the recording
    folder.mkdir()
    (folder / "hello.c").write_text('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    (folder / "build.sh").write_text(BUILD)
    raw = folder / "raw.wr"
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(DATA.parent.parent / "src")}
    command = [sys.executable, "-m", "whatran", "record", "-o", str(raw), "--", "sh", "build.sh"]
    subprocess.run(
        ["unshare", "--uts", "sh", "-c", 'hostname demo; exec "$@"', "-", *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    keep(raw, "demo", {"kernel": "6.18.0"}, FORMATS)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def keep(raw: Path, name: str, known: dict[str, str], formats: tuple[str, ...]) -> None:
    """Write the recording and what it shows, with a header that tells nothing."""
    target = DATA / f"{name}.wr"
    target.parent.mkdir(parents=True, exist_ok=True)
    with raw.open("rb") as file, target.open("wb") as written:
        rewrite([part for part in parts(file.read) if isinstance(part, Block)], HEADER | known, written.write)
    for form_name in formats:
        shown = subprocess.run(
            [sys.executable, "-m", "whatran", "replay", "--format", form_name, str(target)],
            env=os.environ | {"TZ": "UTC"},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        target.with_suffix(f".{form_name}").write_bytes(shown)


def rewrite(blocks: list[Block], header: dict[str, object], write: Callable[[bytes], object]) -> None:
    """The same recording with a header that tells nothing, and without who was there before."""
    found = blocks[0].header
    if found is None:
        raise SystemExit("nothing was recorded")
    chapter = Chapter(msgspec.structs.replace(found, **header), write)
    chapter.flush(found.started_boot)
    for block in blocks:
        for run in block.runs:
            if run.kind != form.HEADER:
                frames = [] if run.kind == form.OLDER else run.frames
                chapter.add([run.record, *frames], block.begun)
        chapter.flush(block.written)


if __name__ == "__main__":
    main()
