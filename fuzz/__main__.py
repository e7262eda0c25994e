"""Has atheris try every target for some seconds: `make fuzz T=600`.

What it finds worth trying is kept in .fuzz/TARGET, and where it goes on from the next time. An input by which a
target fails is in .fuzz too: put it into tests/data/fuzz/TARGET, where every `make test` tries it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from fuzz import TARGETS

ROOT = Path(__file__).parent.parent
FOUND, KEPT = ROOT / ".fuzz", ROOT / "tests/data/fuzz"

MOST_BYTES = 1 << 14
"""Of an input: several frames, with room for texts."""

SLOW_SECONDS = 20
"""Whatever takes so long hangs."""

MEMORY_MIB = 2048


def main() -> None:
    """Exits with 1 where a target failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("seconds", type=int, help="how long to try each target")
    parser.add_argument("target", nargs="*", choices=[[], *TARGETS], help="(default: all)")
    options = parser.parse_args()
    failed = [name for name in options.target or TARGETS if not _tried(name, options.seconds)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; the inputs are in {FOUND}/*/failed-*")


def _tried(name: str, seconds: int) -> bool:
    """Whether nothing failed."""
    corpus = FOUND / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    print(f"{name}: {seconds} s", flush=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fuzz.harness", name, corpus, KEPT / name),
            f"-max_total_time={seconds}",
            f"-max_len={MOST_BYTES}",
            f"-timeout={SLOW_SECONDS}",
            f"-rss_limit_mb={MEMORY_MIB}",
            f"-artifact_prefix={FOUND / name}/failed-",
            "-print_final_stats=1",
        ],
        cwd=ROOT,
        check=False,
    )
    return done.returncode == 0


if __name__ == "__main__":
    main()
