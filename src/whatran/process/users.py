"""Names of users."""

from __future__ import annotations

import pwd

from whatran.errors import UsageError


class Users:
    """Names of user ids, each asked for once: a user database may be on the network."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def name(self, uid: int) -> str:
        """The user's name; the number where it has none."""
        name = self._names.get(uid)
        if name is None:
            name = self._names[uid] = _name(uid)
        return name


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def uid_of(user: str) -> int:
    """The id of a user given by name or number; a name wins over a number, as with chown(1)."""
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        pass
    if not (user.isascii() and user.isdigit() and int(user) < 2**32 - 1):
        raise UsageError(f"there is no user {user!r}; give a name that `getent passwd` lists, or a number")
    return int(user)
