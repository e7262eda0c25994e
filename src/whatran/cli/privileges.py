"""What may be given up once a watch is in force: all that it takes from then on is few privileges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.source import capabilities

if TYPE_CHECKING:
    from whatran.process.accounts import Account
    from whatran.watching import Watch


def write_as(account: Account) -> None:
    """Files are from now on made, replaced and removed with no more rights than this user has.

    To be called before a command of the user's is there, where files are looked up after that: it can move what
    lies in its folders, so that their names lead anywhere. Files that are open already are no concern.
    """
    capabilities.write_as(account.uid, account.gid, account.groups)


def give_up(watching: Watch, *, env: bool = False, own_cgroup: bool = False, files_to_come: bool = False) -> None:
    """Leaves this process no more than what it still needs.

    That is more for environments, for a cgroup to be removed, and for files that root is yet to make or replace.
    It is for a process of our own only: whoever calls us as a library keeps what it has.
    """
    # Names of containers lie where only root, or the user whose they are, may look; our own modules may do so too.
    needed = {capabilities.DAC_READ_SEARCH}
    if watching.pid is not None:
        needed |= {capabilities.KILL}  # it may be another user's, and signals to us are for it
    if env:
        needed |= {capabilities.SYS_PTRACE}  # those of processes whose record was lost
    if own_cgroup or files_to_come:
        needed |= {capabilities.DAC_OVERRIDE}  # the folder may be another user's
    if files_to_come:
        needed |= {capabilities.FOWNER}  # and sticky
    capabilities.keep_only(needed, lambda: watching.stats)
