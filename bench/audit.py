"""The kernel's audit, for the load's user alone, and put back as it was."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.loads import USER

if TYPE_CHECKING:
    from bench.monitors import Place

# Nothing of others is to be kept, whatever asks for it.
RULES = (
    ["always,exclude", "-F", f"uid!={USER}"],
    ["always,exit", "-F", "arch=b64", "-S", "execve,execveat", "-F", f"uid={USER}"],
)
BACKLOG = 8192
"""Of Debian's rules."""


class AuditError(Exception):
    """Why audit cannot be used here."""


@contextmanager
def rules(place: Place) -> Iterator[None]:
    """Execs of the load's user are audited, within, and auditd finds its configuration and its log in the place."""
    status = subprocess.run(["auditctl", "-s"], check=False, capture_output=True, text=True)
    found = dict(re.findall(r"^(\w+) (\d+)", status.stdout, re.MULTILINE))
    if "enabled" not in found:
        raise AuditError(status.stderr.strip() or "this kernel has no audit")
    if found["pid"] != "0" or found["enabled"] != "0":
        raise AuditError(
            f"audit is used by process {found['pid']} already" if found["pid"] != "0" else "audit is in use"
        )
    _configure(place)
    added = []
    try:
        for rule in RULES:
            _auditctl("-a", *rule)
            added.append(rule)
        _auditctl("-b", str(BACKLOG))
        yield
    finally:
        _auditctl("-e", "0")
        for rule in reversed(added):
            _auditctl("-d", *rule)
        _auditctl("-b", found["backlog_limit"])


def _configure(place: Place) -> None:
    text = Path("/etc/audit/auditd.conf").read_text()
    for key, value in (("log_file", place.out), ("log_group", "root"), ("plugin_dir", place.folder / "plugins")):
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    # One file, so that all can be counted; all else is as Debian has it.
    text = re.sub(r"(?m)^max_log_file_action = .*$", "max_log_file_action = ignore", text)
    (place.folder / "auditd.conf").write_text(text)
    (place.folder / "plugins").mkdir(exist_ok=True)
    (place.folder / "auditd.conf").chmod(0o640)


def _auditctl(*arguments: str) -> None:
    path = shutil.which("auditctl")
    done = subprocess.run([path or "auditctl", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise AuditError(done.stderr.strip() or f"auditctl {' '.join(arguments)} failed")
