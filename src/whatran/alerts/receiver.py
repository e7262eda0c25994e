"""Who is to know of alerts: what a process of its own does with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from whatran.errors import WhatranError

if TYPE_CHECKING:
    from whatran.alerts.message import Message


class Receiver(Protocol):
    """Takes one message after the other; may take its time."""

    @property
    def name(self) -> str:
        """As whatran's own messages have it; no secret is in it."""

    @property
    def tries(self) -> int:
        """How often a message is tried at the most."""

    @property
    def seconds(self) -> float:
        """How long a try may take."""

    @property
    def executes(self) -> bool:
        """Whether it runs programs."""

    def send(self, message: Message) -> None:
        """Hands it over; UndeliveredError, or TimeoutError out of anything it waits for, where that failed."""


class UndeliveredError(WhatranError):
    """A receiver did not take a message; ``again`` says whether it may if that is tried again."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again
