"""Source distributions to build, fetched once and kept for the next time."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

ARGON2 = ("argon2-cffi-bindings==25.1.0", "b957f3e6ea4d55d820e40ff76f450952807013d361a65d7f28acc0acbf29229d")
"""It brings libargon2, a C project with a makefile, in extras/."""

CYSIGNALS = ("cysignals==1.11.4", "0f1e321e55a07f901c86a36a1e4497f6ff9dfe700681d0130a38c36e4eb238c3")
"""It has a configure script of autoconf's."""


def unpacked(cache, place, requirement, sha256):
    """The directory that it was unpacked to, in `place`; `cache` is pytest's own."""
    kept = cache.mkdir(requirement)
    wanted = place / "requirement"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
    if not list(kept.iterdir()):
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--no-binary", requirement.partition("==")[0], "--dest", kept]
        subprocess.run([*pip, "download", *options, "--require-hashes", "-r", wanted], check=True)
    wanted.unlink()
    (path,) = kept.iterdir()
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    before = set(place.iterdir())
    with tarfile.open(path) as archive:
        archive.extractall(place, filter="data")
    (made,) = set(place.iterdir()) - before
    return Path(made)
