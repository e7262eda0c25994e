"""The tests that need eBPF, on Debian's kernels in QEMU: `make test-kernels`.

Everything that is downloaded or made is kept in .vmtest: lists and images of kernels, the guests' root, consoles.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from vmtest.guest import EMULATORS, Guest, installed, run
from vmtest.kernels import fetch
from vmtest.packages import Apt, MissingError
from vmtest.page import every, row, said, write
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
    try:
        results, absent = _run(options, arguments(few=options.few, asked=asked))
    except MissingError as error:
        results, absent = [], [str(error)]
    for absence in absent:
        print(f"SKIPPED {absence}" if options.or_skip else f"vmtest: {absence}", file=sys.stderr)
    sys.exit(not all(result.passed for result in results) or not (results or options.or_skip))


def _run(options: argparse.Namespace, pytest: list[str]) -> tuple[list[Result], list[str]]:
    """What became of each kernel that could be had, and a sentence for each that could not."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        guests, absent = [], []
        for arch in EMULATORS:
            chosen = [series for of, _, series in (each.partition("/") for each in options.kernel) if of == arch]
            if chosen:
                more, without = _prepared(arch, chosen, pytest, Path(folder, arch))
                guests += more
                absent += without
        results = []
        for guest, seconds in run(guests, options.at_once, options.limit):
            result, name = read(guest.kernel, guest.console, seconds), f"{guest.kernel.arch}/{guest.series}"
            if options.or_skip and not result.counts and seconds > options.limit:
                absent.append(f"{name}: has not come to its end in {seconds:.0f} s: {result.failures[-1]}")
                continue
            results.append(result)
            print(said(result, guest.series), flush=True)
            if options.output:
                write(options.output, {name: row(result, few=options.few)})
    return results, absent


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
        try:
            base(apt, path)
        except subprocess.CalledProcessError as error:  # pip's, who has said why
            raise MissingError(f"the root of the guests cannot be made: {error}") from error
    return path


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and what comes after "--": that is pytest's."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(
        prog="make test-kernels ARGS=…",
        description=__doc__,
        epilog="What follows -- is for pytest, instead of all tests.",
    )
    parser.add_argument("kernel", nargs="*", default=every(), help=f"of these: {' '.join(every())} (default: all)")
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count(), metavar="N", help="guests (default: %(default)s)"
    )
    parser.add_argument("--few", action="store_true", help="only some tests, a minute's worth")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.md", help="renew the page of these kernels")
    parser.add_argument(
        "--or-skip", action="store_true", help="what is not to be had here, or not in time, is said, and no failure"
    )
    parser.add_argument(
        "--limit", type=float, default=LIMIT_SECONDS, metavar="SECONDS", help="for one kernel (default: %(default)s)"
    )
    options = parser.parse_args(arguments[:at])
    asked = arguments[at + 1 :]
    for each in options.kernel:
        if each not in every():
            parser.error(f"none of the kernels: {each}")
    if options.output and asked:
        parser.error("the page is of all tests or of few: give no others")
    return options, asked


if __name__ == "__main__":
    main()
