"""What ``DIGITALSTORE_SUPPORT_NOTIFIERS`` are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["SupportEvent", "SupportEventKind"]


class SupportEventKind(StrEnum):
    """What happened to a request."""

    OPENED = "opened"
    #: By the customer.
    REPLIED = "replied"
    #: By the seller or staff.
    ANSWERED = "answered"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportEvent:
    """Something happened to ``request``, by ``actor`` (None: the site itself).

    ``message`` is what they wrote, where the event is about that; never an internal note.
    """

    kind: SupportEventKind
    request: Any
    message: Any = None
    actor: Any = None
