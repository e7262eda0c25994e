"""A Taker before another, that has it see no secret; see whatran.redact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import force_setattr

from whatran.wire.redacted import RedactedFrames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whatran.event import Boot, Event, Exec
    from whatran.pipeline import Taker
    from whatran.redact import Redactor
    from whatran.wire.settings import Settings


class Redacting:
    """Hands on all it is handed, without secrets."""

    def __init__(self, taker: Taker, redactor: Redactor) -> None:
        self._taker = taker
        self._redactor = redactor
        self._frames = RedactedFrames(redactor)

    @property
    def malformed(self) -> int:
        return self._taker.malformed

    @property
    def filtered(self) -> dict[str, int]:
        return self._taker.filtered

    @property
    def holding(self) -> bool:
        return self._taker.holding

    @property
    def crowded(self) -> bool:
        return self._taker.crowded

    def __call__(self, frames: Sequence[bytes], boot: Boot) -> list[Event]:
        return self._taker(self._frames(frames), boot)

    def older(self, living: Sequence[bytes], boot: Boot) -> None:
        self._taker.older(living, boot)

    def unnumbered(self, failed: Mapping[str, int], now_boot_ns: int, boot: Boot) -> Sequence[Event]:
        return self._taker.unnumbered(failed, now_boot_ns, boot)

    def learn(self, living: Sequence[bytes], boot: Boot) -> list[Exec]:
        return self._taker.learn(living, boot)

    def complete(self, event: Exec, argv: bytes | None, env: bytes | None, settings: Settings) -> None:
        """The event says what was redacted, before it is complete."""
        found = argv and self._redactor.argv(argv), env and self._redactor.env(env)
        given = ("argv", argv, found[0]), ("env", env, found[1])
        force_setattr(event, "redacted", [name for name, before, after in given if before != after])
        self._taker.complete(event, *found, settings)

    def forget(self, event: Exec) -> None:
        self._taker.forget(event)

    def settle(self) -> list[Event]:
        return self._taker.settle()

    def finish(self, produced: Mapping[tuple[int, str], int], now_boot_ns: int, boot: Boot) -> list[Event]:
        return [*self._taker(self._frames.finish(), boot), *self._taker.finish(produced, now_boot_ns, boot)]
