"""What monitors cost, and what they keep, side by side: `make bench`; needs root.

Markdown goes to standard output, or with -o FILE.md there, with all figures in FILE.json beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from pathlib import Path

from bench.loads import KEYS
from bench.monitors import MONITORS, NONE
from bench.report import as_json, as_markdown
from bench.rounds import measure

ALONE = "\0whatran-bench"
"""A name that one process on a machine can have; it is free again when that ends, however it does."""


ENDS_US = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Measure and report."""
    options = _parser().parse_args()
    if os.geteuid():
        sys.exit("bench: only root may look at the processes of others")
    with socket.socket(socket.AF_UNIX) as alone:
        try:
            alone.bind(ALONE)
        except OSError:
            sys.exit("bench: another one is running: monitors that look at the load's user would tell of its loads too")
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    # Whatever ends us, what was set for a monitor is put back, and none is left behind.
    for number in ENDS_US:
        signal.signal(number, _end)
    os.environ.pop("MAKEFLAGS", None)  # make is one of the loads
    chosen = [each for each in MONITORS if not options.monitor or any(part in each.name for part in options.monitor)]
    for found in measure(
        [NONE, *(each for each in chosen if each is not NONE)],
        options.load or (["storm"] if options.quick else []),
        options.rounds or (1 if options.quick else None),
        quick=options.quick,
        whole_machine=options.whole_machine,
    ):
        if options.output:  # so that what is interrupted is not in vain
            options.output.write_text(as_markdown(found))
            options.output.with_suffix(".json").write_text(json.dumps(as_json(found)) + "\n")
    if not options.output:
        print(as_markdown(found), end="")


def _end(number: int, _: object) -> None:
    # Once: what is put back then is not to be interrupted itself.
    for each in ENDS_US:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.md", help="where to write (default: standard output)"
    )
    parser.add_argument("--quick", action="store_true", help="a short storm, one round: a look, no figures")
    parser.add_argument(
        "--rounds",
        type=int,
        metavar="N",
        help="(default: as each load needs for an interval; about half an hour on two cores)",
    )
    parser.add_argument("--load", action="append", default=[], choices=KEYS, help="only this load; can be repeated")
    parser.add_argument(
        "--monitor", action="append", default=[], metavar="NAME", help="only monitors with NAME in theirs"
    )
    parser.add_argument(
        "--whole-machine",
        action="store_true",
        help="also monitors that tell of everybody's processes: the machine is ours alone",
    )
    return parser


if __name__ == "__main__":
    main()
