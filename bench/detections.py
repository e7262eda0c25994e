"""How often the built-in rules alert on what is of nobody's concern: counts of recordings, for docs/detections.md.

`python -m bench.detections NAME=RECORDING[,RECORDING]...`: whatever has that name is counted anew; then
scripts/detections.py writes the page.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import whatran
from whatran.rules.load import load
from whatran.rules.places import BUILTIN

COUNTS = Path(__file__).parent.parent / "docs/detections.json"


def counted(recordings: list[str]) -> dict[str, Any]:
    """How many execs there are in them, and how many alerts of each rule, by its id."""
    alerts = Counter({rule.id: 0 for rule in load([BUILTIN]).rules if rule.level != "informational"})
    execs = 0
    for event in whatran.replay(recordings, rules=[BUILTIN]):
        if isinstance(event, whatran.Exec):
            execs += 1
        elif isinstance(event, whatran.Alert):
            alerts[event.rule_id] += 1
    return {"execs": execs, "alerts": dict(sorted(alerts.items()))}


def main(arguments: list[str]) -> None:
    """Counts each recording, and keeps what is known of others."""
    found = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    for argument in arguments:
        name, _, recording = argument.partition("=")
        found[name] = counted(recording.split(","))
        print(name, found[name]["execs"], "execs", sum(found[name]["alerts"].values()), "alerts")
    COUNTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
