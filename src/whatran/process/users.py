"""Names of users and groups."""

from __future__ import annotations

import grp
import pwd

from whatran.errors import UsageError

MOST_NAMES = 4096
"""How many are remembered of users, and as many of groups: a container may have 65,536 of each."""


class Names:
    """Names of user and group ids, each asked for once: their databases may be on the network."""

    def __init__(self) -> None:
        self._users: dict[int, str | None] = {}
        self._groups: dict[int, str | None] = {}

    def user(self, uid: int) -> str | None:
        """The user's name; None where it has none."""
        if uid not in self._users:
            if len(self._users) == MOST_NAMES:
                self._users.clear()
            self._users[uid] = _user(uid)
        return self._users[uid]

    def group(self, gid: int) -> str | None:
        """The group's name; None where it has none."""
        if gid not in self._groups:
            if len(self._groups) == MOST_NAMES:
                self._groups.clear()
            self._groups[gid] = _group(gid)
        return self._groups[gid]


def _user(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return None


def _group(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return None


def uid_of(user: str) -> int:
    """The id of a user given by name or number; a name wins over a number, as with chown(1)."""
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        pass
    if not (user.isascii() and user.isdigit() and int(user) < 2**32 - 1):
        raise UsageError(f"there is no user {user!r}; give a name that `getent passwd` lists, or a number")
    return int(user)
