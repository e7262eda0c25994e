"""What may be given up once a watch is in force: all that it takes from then on is few privileges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whatran.source import capabilities

if TYPE_CHECKING:
    from whatran.watching import Watch


def give_up(watching: Watch, *, env: bool = False, own_cgroup: bool = False, files_to_come: bool = False) -> None:
    """Leaves this process no more than what it still needs.

    That is more for environments, for a cgroup to be removed, and for files that are yet to be made or replaced.
    It is for a process of our own only: whoever calls us as a library keeps what it has.
    """
    # Names of containers lie where only root, or the user whose they are, may look; our own modules may do so too.
    needed = {capabilities.DAC_READ_SEARCH}
    if watching.pid is not None:
        needed |= {capabilities.KILL}  # it may be another user's, and signals to us are for it
    if env:
        needed |= {capabilities.SYS_PTRACE}  # those of processes whose record was lost
    if files_to_come or own_cgroup:
        needed |= {capabilities.DAC_OVERRIDE}  # the folder may be another user's
    if files_to_come and watching.pid is not None:
        # By sudo, those of a command are its caller's: given away, replaced and removed later, in sticky folders too.
        needed |= {capabilities.CHOWN, capabilities.FOWNER}
    capabilities.keep_only(needed, lambda: watching.stats)
