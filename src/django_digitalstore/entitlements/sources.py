"""Why somebody owns something: the source of a grant."""

from __future__ import annotations

from dataclasses import dataclass

from .exceptions import InvalidGrant

__all__ = ["Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A reason for access: its kind, and what tells it from others of its kind.

    ``Source("payment", "ord_9f…/1/pay_3")``, ``Source("gift", "birthday-2026")``,
    ``Source("manual")``.
    The same source never grants twice. ``kind`` has at most 40 characters, ``reference`` 200.
    """

    kind: str
    reference: str = ""

    def __post_init__(self) -> None:
        if not self.kind or len(self.kind) > 40 or len(self.reference) > 200:
            raise InvalidGrant(
                f"{self!r}: a source needs a kind of 1 to 40 characters and a reference of at most "
                f"200. Write Source('gift', 'birthday-2026')."
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.reference}" if self.reference else self.kind
