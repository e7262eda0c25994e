"""Names of users and groups."""

import grp
import pwd

import pytest

from whatran.errors import UsageError
from whatran.process.users import MOST_NAMES, Names, uid_of

NOBODY = 4_000_000_123


def test_ids_have_names():
    """A user and a group are called what their databases say."""
    names = Names()

    assert (pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name) == (names.user(0), names.group(0))


def test_ids_without_names():
    """What is in no database has none."""
    assert (None, None) == (Names().user(NOBODY), Names().group(NOBODY))


def test_each_is_asked_for_once(monkeypatch):
    """The databases are asked once for each user and group."""
    asked = []
    monkeypatch.setattr("whatran.process.users._user", lambda uid: asked.append(uid) or "name")
    monkeypatch.setattr("whatran.process.users._group", lambda gid: asked.append(-gid))
    names = Names()

    assert ["name", "name", "name"] == [names.user(uid) for uid in (1, 2, 1)]
    assert [None, None] == [names.group(gid) for gid in (3, 3)]
    assert [1, 2, -3] == asked


def test_not_all_are_remembered(monkeypatch):
    """However many users and groups there are, so many names are kept."""
    monkeypatch.setattr("whatran.process.users._user", str)
    monkeypatch.setattr("whatran.process.users._group", str)
    names = Names()
    told = [(names.user(number), names.group(number)) for number in range(2 * MOST_NAMES + 1)]

    assert [(str(number), str(number)) for number in range(2 * MOST_NAMES + 1)] == told
    assert (1, 1) == (len(names._users), len(names._groups))


@pytest.mark.parametrize("user", [pwd.getpwuid(0).pw_name, "0"])
def test_a_user_by_name_or_number(user):
    """A user can be named either way."""
    assert 0 == uid_of(user)


def test_a_number_needs_no_name():
    """A number that is in no database is taken as it is."""
    assert NOBODY == uid_of(str(NOBODY))


@pytest.mark.parametrize("user", ["no-such-user-here", "", "-1", "4294967295", "٣", "a\0b"])
def test_a_user_that_is_not_there(user):
    """What is neither a name nor a number is an error that says what to do."""
    with pytest.raises(UsageError, match=r"there is no user .*getent passwd"):
        uid_of(user)
