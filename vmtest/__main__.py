"""The tests that need eBPF, on Debian's kernels in QEMU: `make test-kernels`.

Everything that is downloaded or made is kept in .vmtest: lists and images of kernels, the guests' root, consoles.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from vmtest.guest import EMULATORS, Guest, installed, run
from vmtest.kernels import ALL, fetch
from vmtest.packages import Apt, MissingError
from vmtest.page import page, said
from vmtest.result import Result, read
from vmtest.root import ROOT, base, image, recipe
from vmtest.selection import arguments

CACHE = ROOT / ".vmtest"
LIMIT_SECONDS = 1800


def main() -> None:
    """Run, report, and say by the exit status whether all passed."""
    options, asked = _options(sys.argv[1:])
    # Whatever ends us, no guest is left behind.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    tests = arguments(few=options.few, asked=asked)
    try:
        results, absent = _run(options, tests)
    except MissingError as error:
        sys.exit(f"vmtest: {error}")
    if options.output:
        options.output.write_text(page(results, absent, tests))
    for absence in absent:
        print(absence)
    sys.exit(not results or not all(result.passed for result in results))


def _run(options: argparse.Namespace, pytest: list[str]) -> tuple[list[Result], list[str]]:
    """What became of each kernel that could be had, in their order, and a sentence for each that could not."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        guests, absent = [], []
        for arch in EMULATORS:
            chosen = [series for of, _, series in (each.partition("/") for each in options.kernel) if of == arch]
            if chosen:
                more, without = _prepared(arch, chosen, pytest, Path(folder, arch))
                guests += more
                absent += without
        results = {}
        for guest, seconds in run(guests, options.at_once, options.limit):
            results[guest] = read(guest.kernel, guest.console, seconds)
            print(said(results[guest], guest.series), flush=True)
    return [results[guest] for guest in guests], absent


def _prepared(arch: str, chosen: list[str], pytest: list[str], initrd: Path) -> tuple[list[Guest], list[str]]:
    """The guests of one architecture, and a sentence for each kernel that could not be had."""
    if not installed(arch):
        raise MissingError(f"no emulator for {arch}: install {EMULATORS[arch].package}")
    apt = Apt(arch, CACHE / arch)
    apt.update()
    guests, absent = [], []
    for series in chosen:
        try:
            kernel = fetch(apt, series, CACHE / "kernels")
        except MissingError as error:
            absent.append(str(error))
        else:
            guests.append(Guest(series, kernel, initrd, CACHE / f"{kernel.release}.log"))
    image(_base(apt), [guest.kernel for guest in guests], shlex.join(pytest), initrd)
    return guests, absent


def _base(apt: Apt) -> Path:
    """The guests' root, made where it is not there yet or was made otherwise."""
    path = apt.folder / f"{recipe()}.cpio"
    if not path.exists():
        for old in apt.folder.glob("*.cpio"):
            old.unlink()
        print(f"Making the root of the guests of {apt.arch}", flush=True)
        base(apt, path)
    return path


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and what comes after "--": that is pytest's."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    every = [f"{arch}/{series}" for arch, of in ALL.items() for series in of]
    parser = argparse.ArgumentParser(
        prog="make test-kernels ARGS=…",
        description=__doc__,
        epilog="What follows -- is for pytest, instead of all tests.",
    )
    parser.add_argument("kernel", nargs="*", default=every, help=f"of these: {' '.join(every)} (default: all)")
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count(), metavar="N", help="guests (default: %(default)s)"
    )
    parser.add_argument("--few", action="store_true", help="only some tests, a minute's worth")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.md", help="where to write the table")
    parser.add_argument(
        "--limit", type=float, default=LIMIT_SECONDS, metavar="SECONDS", help="for one kernel (default: %(default)s)"
    )
    options = parser.parse_args(arguments[:at])
    for each in options.kernel:
        arch, _, series = each.partition("/")
        if arch not in ALL or not series:
            parser.error(f"not an architecture and a series: {each}")
    return options, arguments[at + 1 :]


if __name__ == "__main__":
    main()
