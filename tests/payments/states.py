"""What may happen to one order, and where it must end: an oracle that knows no database.

``python -m tests.payments.states`` writes docs/reference/order-states.md from it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "order-states.md"

#: Everything that may happen, in the words of the page.
HAPPENINGS = (
    "payment succeeded",
    "payment failed",
    "payment processing",
    "refund of a part",
    "refund in full",
    "refund failed",
    "dispute opened",
    "dispute won",
    "dispute lost",
    "granted by hand",
    "revoked by hand",
)
LONGEST = 4

Sequence = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an order, and the buyer's access, look."""

    status: str
    access: bool
    #: The reason for a person to look, or empty.
    attention: str = ""


def sequences(longest: int = LONGEST) -> Iterator[Sequence]:
    """Yield every sequence of one to ``longest`` happenings, repetitions among them."""
    for length in range(1, longest + 1):
        yield from itertools.product(HAPPENINGS, repeat=length)


def outcome_of(sequence: Sequence) -> Outcome:
    """Say where ``sequence`` must end, from what happened alone."""
    dispute = next((w for w in reversed(sequence) if w.startswith("dispute")), "")
    return Outcome(_status(set(sequence), dispute), _access(sequence), _attention(sequence))


def _status(happened: set[str], dispute: str) -> str:
    if "payment succeeded" not in happened:
        return "failed" if "payment failed" in happened else "pending"
    if dispute == "dispute opened":
        return "disputed"
    if dispute == "dispute lost" or "refund in full" in happened:
        return "refunded"
    return "partially_refunded" if "refund of a part" in happened else "paid"


def _is_supported(sequence: Sequence) -> bool:
    """Tell whether the payment is a basis for access after ``sequence``."""
    dispute = next((w for w in reversed(sequence) if w.startswith("dispute")), "")
    return (
        "payment succeeded" in sequence
        and "refund in full" not in sequence
        and dispute not in {"dispute opened", "dispute lost"}
    )


def _until_revoked(sequence: Sequence) -> Sequence:
    return tuple(itertools.takewhile(lambda what: what != "revoked by hand", sequence))


def _access(sequence: Sequence) -> bool:
    if "revoked by hand" in sequence:
        return False  # until a person lifts it
    return "granted by hand" in sequence or _is_supported(sequence)


def _attention(sequence: Sequence) -> str:
    """A payment that lands while a person's revoke stands is news; one from before is not."""
    before = _until_revoked(sequence)
    if len(before) == len(sequence) or not _is_supported(sequence):
        return ""
    given = any(_is_supported(before[:length]) for length in range(1, len(before) + 1))
    return "" if given else "withheld"


# --- the page -----------------------------------------------------------------------------------

_HEAD = """# Where an order ends

What an order and the buyer's access look like after whatever happens, in whatever order. The tests
run every sequence of up to {longest} of the {kinds} happenings, {count} in all, on SQLite and
PostgreSQL, and compare the store with these rules after each step. Repetitions change nothing.

- A payment that succeeded stays succeeded. Without one, nothing else gives access.
- A refund in full and a lost dispute end the access that the payment gave; a refund of a part and a
  failed refund leave it.
- An open dispute suspends it (`DIGITALSTORE_DISPUTE_SUSPENDS`), a won one gives it back. Of one
  dispute the latest word counts.
- What was granted by hand stands by itself. What was revoked by hand stays revoked, whatever is
  paid or won; a payment that lands meanwhile is kept, and flagged as *withheld*.

How many sequences end how:

| order | access | flagged | sequences |
|---|---|---|---|
{summary}

Every sequence of one or two:

| first | then | order | access | flagged |
|---|---|---|---|---|
{rows}
"""


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _words(outcome: Outcome) -> tuple[str, str, str]:
    return f"`{outcome.status}`", "yes" if outcome.access else "no", outcome.attention


def page() -> str:
    """Return the page of the reference."""
    counted = Counter(map(outcome_of, sequences()))
    summary = sorted(counted.items(), key=lambda item: _words(item[0]))
    rows = [
        _cells(*(*sequence, "")[:2], *_words(outcome_of(sequence))) for sequence in sequences(2)
    ]
    return _HEAD.format(
        longest=LONGEST,
        kinds=len(HAPPENINGS),
        count=f"{counted.total():,}",
        summary="\n".join(_cells(*_words(outcome), f"{n:,}") for outcome, n in summary),
        rows="\n".join(rows),
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
