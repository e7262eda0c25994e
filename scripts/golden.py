"""Records a small build anew for tests/data, with nothing in it of the machine but what a kernel says; needs root.

What the expected outputs become is for the eye to judge: git diff shows it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from whatran.recording import format as form
from whatran.recording.read import Block, parts
from whatran.recording.write import Chapter

DATA = Path(__file__).parent.parent / "tests/data"
FORMATS = ("table", "tree", "jsonl", "lives")
HEADER = {
    "recording": "0123456789abcdef",
    "boot_id": "11111111-2222-4333-8444-555555555555",
    "host": "demo",
    "kernel": "6.18.0",
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
    """Make them all."""
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
    DATA.mkdir(exist_ok=True)
    with raw.open("rb") as file, (DATA / "demo.wr").open("wb") as written:
        rewrite([part for part in parts(file.read) if isinstance(part, Block)], written.write)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    for name in FORMATS:
        shown = subprocess.run(
            [sys.executable, "-m", "whatran", "replay", "--format", name, str(DATA / "demo.wr")],
            env=os.environ | {"TZ": "UTC"},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        (DATA / f"demo.{name}").write_bytes(shown)


def rewrite(blocks: list[Block], write: object) -> None:
    """The same recording with a header that tells nothing, and without who was there before."""
    found = blocks[0].header
    if found is None:
        raise SystemExit("nothing was recorded")
    chapter = Chapter(msgspec.structs.replace(found, **HEADER), write)
    chapter.flush(found.started_boot)
    for block in blocks:
        for run in block.runs:
            if run.kind != form.HEADER:
                frames = [] if run.kind == form.OLDER else run.frames
                chapter.add([run.record, *frames], block.begun)
        chapter.flush(block.written)


if __name__ == "__main__":
    main()
