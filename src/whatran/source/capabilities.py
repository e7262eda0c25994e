"""What this process may do beyond its user, as linux/capability.h and linux/prctl.h have it; and giving that up."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable, Collection, Sequence
from ctypes import c_int, c_uint32, c_ulong

from whatran.errors import SourceError

log = logging.getLogger("whatran.capabilities")

CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, KILL = 0, 1, 2, 3, 5
SYS_PTRACE, SYS_ADMIN, SYS_RESOURCE, PERFMON, BPF = 19, 21, 24, 38, 39

_VERSION_3 = 0x20080522
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38


class _Header(ctypes.Structure):
    _fields_ = (("version", c_uint32), ("pid", c_int))


class _Half(ctypes.Structure):
    """The sets of 32 capabilities."""

    _fields_ = (("effective", c_uint32), ("permitted", c_uint32), ("inheritable", c_uint32))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = (c_int, c_ulong, c_ulong, c_ulong, c_ulong)


def effective() -> frozenset[int]:
    """The capabilities that this process may use now."""
    return _read("effective")


def write_as(uid: int, gid: int, groups: Sequence[int]) -> None:
    """Has this process look up, make, replace and remove files with the rights of this user alone (setfsuid(2)).

    It can read what it could: only the capabilities that let write where the user may not are out of effect.
    """
    held = {name: _read(name) for name in ("effective", "permitted", "inheritable")}
    os.setgroups(groups)
    _libc.setfsgid(gid)
    _libc.setfsuid(uid)  # takes those out of effect that are about files, see capabilities(7)
    if (_libc.setfsgid(-1), _libc.setfsuid(-1)) != (gid, uid):  # neither says that it has failed
        raise SourceError("cannot act as the user whose command it is: setfsuid(2) has no effect")
    effective = _read("effective") | (held["effective"] & {DAC_READ_SEARCH})
    _write(effective=effective, permitted=held["permitted"], inheritable=held["inheritable"])


def keep_only(wanted: Collection[int], works: Callable[[], object] = lambda: None) -> frozenset[int]:
    """Gives up all capabilities but these, for good; those that are left.

    No program that this process executes gets more either, whatever its file or its user says; children there are
    already are not concerned. CAP_BPF stays where ``works`` raises SourceError without it: before 5.19, where
    kernel.unprivileged_bpf_disabled is set, the kernel asks for it whatever is done with a map (c8644cd0efe7).
    """
    had = _read("permitted")
    kept = had.intersection(wanted)
    try:
        _write(effective=kept, permitted=had)
        try:
            works()
        except SourceError:
            kept |= had & {BPF}
        _write(effective=had, permitted=had)
        _bound(kept)
        _write(effective=kept, permitted=kept)
        _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    except OSError as error:
        log.warning("keeps its privileges, as they cannot be given up: %s", error.strerror)
        return had
    return kept


def _bound(kept: Collection[int]) -> None:
    """Nobody has a use for what is beyond: only root, who may do without, can take it off."""
    for number in range(64):
        if number not in kept and _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0):
            return  # not ours to take off, or beyond the last there is


def _read(name: str) -> frozenset[int]:
    halves = (_Half * 2)()
    _check(_libc.capget(ctypes.byref(_Header(_VERSION_3, 0)), halves))
    bits = getattr(halves[0], name) | getattr(halves[1], name) << 32
    return frozenset(number for number in range(64) if bits >> number & 1)


def _write(*, effective: Collection[int], permitted: Collection[int], inheritable: Collection[int] = ()) -> None:
    """Sets them; where none is inheritable none is ambient either."""
    halves = (_Half * 2)()
    for number in inheritable:
        halves[number // 32].inheritable |= 1 << number % 32
    for number in permitted:
        halves[number // 32].permitted |= 1 << number % 32
    for number in effective:
        halves[number // 32].effective |= 1 << number % 32
    _check(_libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), halves))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
