"""Names of users."""

import pwd

import pytest

from whatran.errors import UsageError
from whatran.process.users import Users, uid_of

NOBODY = 4_000_000_123


def test_a_user_has_a_name():
    """A user id has the name that the user database says."""
    assert pwd.getpwuid(0).pw_name == Users().name(0)


def test_a_user_without_a_name_is_a_number():
    """A user id that is in no database stands for itself."""
    assert str(NOBODY) == Users().name(NOBODY)


def test_each_is_asked_for_once(monkeypatch):
    """The user database is asked once for each user."""
    asked = []
    monkeypatch.setattr("whatran.process.users._name", lambda uid: asked.append(uid) or "name")
    users = Users()

    assert ["name", "name", "name"] == [users.name(uid) for uid in (1, 2, 1)]
    assert [1, 2] == asked


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
