"""Whom a command is run as."""

import grp
import os
import pwd

import pytest

from whatran.errors import UsageError
from whatran.process.accounts import Account, account, caller

ALICE = Account("alice", 1000, 1000, (1000, 27), "/home/alice", "/bin/zsh")
NOBODY = 4_000_000_123


@pytest.fixture(name="root")
def _root(monkeypatch):
    """We are root, and alice is a user."""
    entry = pwd.struct_passwd(("alice", "x", 1000, 1000, "", "/home/alice", "/bin/zsh"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwuid", {1000: entry, 0: pwd.getpwuid(0)}.__getitem__)
    monkeypatch.setattr(pwd, "getpwnam", {"alice": entry}.__getitem__)
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid, 27])


def test_an_account_is_that_of_a_login():
    """Name or id, both groups and home are what their databases say."""
    entry = pwd.getpwuid(0)
    groups = {entry.pw_gid} | {group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem}

    found = account(0)

    assert (found, entry.pw_dir, entry.pw_shell) == (account(entry.pw_name), found.home, found.shell)
    assert (entry.pw_gid, groups) == (found.gid, set(found.groups))


@pytest.mark.parametrize("user", [NOBODY, -1, 1 << 40, "no-such-user-here", "", "a\0b"])
def test_who_is_no_user(user):
    """A command cannot be run as who has no home and no groups."""
    with pytest.raises(UsageError, match="there is no user"):
        account(user)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    "said", [{"SUDO_UID": "1000", "SUDO_USER": "x"}, {"DOAS_USER": "alice"}, {"PKEXEC_UID": "1000"}]
)
def test_the_caller_is_whom_sudo_names(said):
    """So do doas and pkexec."""
    assert ALICE == caller(said)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("said", [{}, {"SUDO_UID": "0"}, {"SUDO_USER": "alice"}])
def test_root_who_was_not_called(said):
    """Root itself, also by its own sudo, is nobody else."""
    assert caller(said) is None


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("said", ["", "1001", "٣", "1000 "])
def test_a_caller_who_is_no_user(said):
    """It is not guessed who that may be; the way out is named."""
    with pytest.raises(UsageError, match="--as-root"):
        caller({"SUDO_UID": said})


def test_only_root_is_called(monkeypatch):
    """Of anybody else the variables are any text, so that even a wrong one means nothing."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert caller({"SUDO_UID": "nonsense"}) is None


def test_the_environment_is_the_users():
    """What is root's is not there, nor that there was a sudo; all else is as it was."""
    ours = {"HOME": "/root", "MAIL": "/var/mail/root", "PATH": "/bin", "SUDO_COMMAND": "whatran", "SUDO_EDITOR": "ed"}
    ours |= {"SUDO_UID": "1000", "SUDO_GID": "1000", "SUDO_USER": "alice"}
    login = {"HOME": "/home/alice", "LOGNAME": "alice", "SHELL": "/bin/zsh", "USER": "alice"}

    assert login | {"PATH": "/bin", "SUDO_EDITOR": "ed"} == ALICE.environment(ours)
    assert "/bin/sh" == ALICE._replace(shell="").environment({})["SHELL"]
