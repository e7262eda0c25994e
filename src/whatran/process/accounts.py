"""Whom a command is run as, where that is not who we are."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import NamedTuple

from whatran.errors import UsageError

_CALLERS = ("SUDO_UID", "PKEXEC_UID", "DOAS_USER")
"""What sudo, pkexec and doas tell the program that they start of who has called them."""

SAID_BY_CALLERS = (*_CALLERS, "SUDO_USER", "SUDO_GID", "SUDO_COMMAND", "SUDO_HOME", "SUDO_TTY", "MAIL")
"""Variables that say what is not so for the command: that it is run by sudo, and whose mail is whose."""


class Account(NamedTuple):
    """A user, with what a login has."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str

    def environment(self, ours: Mapping[str, str]) -> dict[str, str]:
        """Ours, as it is for this user."""
        own = {"USER": self.name, "LOGNAME": self.name, "HOME": self.home, "SHELL": self.shell or "/bin/sh"}
        return {name: value for name, value in ours.items() if name not in SAID_BY_CALLERS} | own


def account(user: str | int) -> Account:
    """Of a name or an id; UsageError where there is no such user."""
    try:
        entry = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except (KeyError, ValueError, OverflowError):
        raise UsageError(f"there is no user {user!r}; `getent passwd` lists them") from None
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir, entry.pw_shell)


def caller(environment: Mapping[str, str]) -> Account | None:
    """Who has called us by sudo, doas or pkexec, where we are root; None where nobody has, or root itself.

    Of anybody but root these variables are any text, and they are not looked at.
    """
    if os.geteuid() != 0:
        return None
    said = next((environment[name] for name in _CALLERS if name in environment), None)
    if said is None:
        return None
    try:
        found = account(int(said) if said.isascii() and said.isdecimal() else said)
    except UsageError as error:
        raise UsageError(f"who has called for root is not known: {error}; --as-root runs the command as root") from None
    return found if found.uid else None
