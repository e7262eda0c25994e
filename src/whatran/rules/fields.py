"""Fields that a rule may name, and what an exec has in each."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from whatran.event import Event, Exec, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from whatran.rules.kin import Kin

Kind = Literal["text", "number", "flag", "list"]

Value = str | int | float | bool | tuple[str, ...] | None
"""None where the event has no such value; in a list any element may be what is looked for."""


@dataclass(frozen=True, slots=True)
class Field:
    """What kind of value there is, and where it comes from."""

    kind: Kind
    get: Callable[[Exec, Kin], Value]
    about: str = ""


def _joined(argv: list[str] | None) -> str | None:
    return None if argv is None else " ".join(argv)


def _argv0_foreign(event: Exec, _: Kin) -> bool | None:
    """None where argv[0] names nothing, as an empty one does; a login shell's begins with a hyphen."""
    own = event.argv[0].rpartition("/")[2].removeprefix("-") if event.argv else ""
    if not own or event.pathname is None:
        return None
    paths = (event.cmdpath, event.pathname, event.interp, event.script_pathname)
    return own not in {path.rpartition("/")[2] for path in paths if path}


def _file_age(event: Exec, _: Kin) -> float | None:
    return (event.timestamp - event.ctime) / 1e9 if event.inode and "ctime" not in event.unreadable else None


def _cap_gained(event: Exec, _: Kin) -> tuple[str, ...] | None:
    if event.prev_cap_effective is None:
        return None
    gained = event.cap_effective & ~event.prev_cap_effective
    return tuple(name for bit, name in enumerate(CAPABILITIES) if gained >> bit & 1)


def _changed(name: str) -> Callable[[Exec, Kin], bool | None]:
    own = attrgetter(name)

    def changed(event: Exec, kin: Kin) -> bool | None:
        before = getattr(kin, name)
        return None if before is None else own(event) != before

    return changed


_CAPABILITIES = """chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
    net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace
    sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control
    setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"""

CAPABILITIES = tuple(_CAPABILITIES.split())
"""By their number, as capabilities(7) calls them without CAP_."""

_SIGMA: dict[str, Field] = {
    "Image": Field("text", lambda event, _: event.pathname, "`pathname`; of a script its interpreter"),
    "CommandLine": Field("text", lambda event, _: _joined(event.argv), "`argv`, joined by spaces"),
    "ParentImage": Field("text", lambda _, kin: kin.image, "what the creator ran when it forked"),
    "ParentCommandLine": Field("text", lambda _, kin: kin.command_line, "the arguments of that, joined by spaces"),
    "User": Field("text", lambda event, _: event.user, "`user`, the name of the real user id"),
    "CurrentDirectory": Field("text", lambda event, _: event.cwd, "`cwd`"),
    "LogonId": Field("number", lambda event, _: event.loginuid, "`loginuid`"),
    "ProcessId": Field("number", lambda event, _: event.pid, "`pid`"),
    "ParentProcessId": Field("number", lambda event, _: event.ppid, "`ppid`"),
}

_COMPUTED: dict[str, Field] = {
    "AncestorImage": Field("list", lambda _, kin: kin.images, "ParentImage, its parent's, and so on up, 64 at most"),
    "AncestorCommandLine": Field("list", lambda _, kin: kin.command_lines, "the command lines of the same"),
    "Argv0": Field("text", lambda event, _: event.argv[0] if event.argv else None, "the first of `argv`"),
    "argv0_foreign": Field(
        "flag", _argv0_foreign, "whether the last part of Argv0 is no name of the file: path, link, script or `interp`"
    ),
    "file_age": Field("number", _file_age, "seconds between the binary's last change (`ctime`) and the exec"),
    "mnt_ns_changed": Field("flag", _changed("mnt_ns"), "whether `mnt_ns` is not the creator's when it forked"),
    "pid_ns_changed": Field("flag", _changed("pid_ns"), "whether `pid_ns` is not the creator's when it forked"),
    "cap_gained": Field("list", _cap_gained, "effective capabilities not there before the exec, as `sys_admin`"),
}


def _own(name: str, kind: Kind) -> Field:
    get = attrgetter(name)

    def value(event: Exec, _: Kin) -> Any:
        found = get(event)
        if found is None or name in event.unreadable:
            return None
        return tuple(found) if kind == "list" else found

    return Field(kind, value)


_KINDS: dict[str, Kind] = {"str": "text", "int": "number", "bool": "flag"}

_TYPES: dict[str, str] = {**Event.__annotations__, **TaskEvent.__annotations__, **Exec.__annotations__}

FIELDS: dict[str, Field] = {
    **_SIGMA,
    **_COMPUTED,
    **{name: _own(name, _KINDS.get(_TYPES[name].removesuffix(" | None"), "list")) for name in Exec.__struct_fields__},
}
"""All, by name: Sigma's for Linux, computed ones, and those of the event itself."""

READY = frozenset({"Image", "CommandLine", "ParentImage", "ParentCommandLine"})
"""Fields that a View has from the beginning; others may cost something, and are computed when they are asked for."""

KEYWORD_FIELDS = ("Image", "CommandLine", "ParentImage", "ParentCommandLine", "CurrentDirectory", "User", "comm")
"""What a value without a field is looked for in."""


def text_of(value: Value) -> str:
    """A value as tests on text see it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


class View:
    """An exec as compiled rules see it; what is asked for is computed once.

    ``t_NAME`` is the text of a field, or the texts of a list; ``l_NAME`` the same in lower case; ``n_NAME`` its
    number. Each is None where the event has no such value.
    """

    def __init__(self, event: Exec, kin: Kin, env: list[str] | None = None) -> None:
        """Of an event; its environment as it was, where that has been thinned out since."""
        self.event = event
        self.kin = kin
        if env is not None:
            self.t_env = tuple(env)
        # What nearly every rule asks for; by way of __getattr__ each would take five times as long.
        path, line = event.pathname, _joined(event.argv)
        parent = kin.ancestors[0] if kin.ancestors else None
        self.t_Image, self.l_Image = path, path and path.lower()
        self.t_CommandLine, self.l_CommandLine = line, line and line.lower()
        self.t_ParentImage, self.l_ParentImage = (parent.image, parent.image_lower) if parent else (None, None)
        self.t_ParentCommandLine, self.l_ParentCommandLine = (
            (parent.command_line, parent.command_line_lower) if parent else (None, None)
        )

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet only."""
        how, _, field = name.partition("_")
        value: Any
        if how == "l":
            text = getattr(self, f"t_{field}")
            value = tuple(map(str.lower, text)) if isinstance(text, tuple) else text and text.lower()
        else:
            found = FIELDS[field].get(self.event, self.kin)
            if how == "n":
                value = found if isinstance(found, (int, float)) and not isinstance(found, bool) else None
            else:
                value = found if found is None or isinstance(found, (str, tuple)) else text_of(found)
        self.__dict__[name] = value
        return value
