"""What must hold of the whole database whenever nothing is under way.

Features register the rules of their tables; ``violations`` asks them. It reads only, and finds what
raw SQL, a restored backup or a data migration did past the guard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .exceptions import DigitalStoreError

__all__ = ["Invariant", "UnknownInvariant", "Violation", "invariant", "invariants", "violations"]


class UnknownInvariant(DigitalStoreError, LookupError):
    """No invariant has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A row that breaks a rule: which row, what is wrong with it, and what to do."""

    invariant: str
    row: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.row} – {self.problem} – {self.fix}"


#: A rule yields (row, what is wrong, what to do) for each row that breaks it.
Finding = tuple[Any, str, str]
Rule = Callable[[], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule with its name, as in ``"payments.status"``."""

    name: str
    rule: Rule

    @property
    def summary(self) -> str:
        """Return the rule in a sentence: the first line of its docstring."""
        return (self.rule.__doc__ or self.name).strip().splitlines()[0]

    def violations(self) -> Iterator[Violation]:
        """Yield each row that breaks the rule."""
        for row, problem, fix in self.rule():
            yield Violation(invariant=self.name, row=_name_of(row), problem=problem, fix=fix)


_invariants: dict[str, Invariant] = {}


def invariant(name: str) -> Callable[[Rule], Rule]:
    """Register the decorated generator as the invariant ``name``.

    It takes nothing, reads only, and yields (row or its name, what is wrong, what to do). It must
    be frugal on large tables: let the database find the rows, or go through them in chunks. Raises
    ``ValueError`` where another function has the name.
    """

    def register(rule: Rule) -> Rule:
        known = _invariants.get(name)
        if known is not None and _path(known.rule) != _path(rule):
            raise ValueError(
                f"The invariant {name!r} is already {_path(known.rule)}. "
                f"Give {_path(rule)} another name."
            )
        _invariants[name] = Invariant(name, rule)
        return rule

    return register


def invariants() -> list[Invariant]:
    """Return all rules that installed features registered, by name."""
    return [_invariants[name] for name in sorted(_invariants)]


def violations(*names: str) -> Iterator[Violation]:
    """Yield each row that breaks a rule, lazily: all rules, or those named.

    Reads only; not in one transaction, so on a busy site ask again before you believe a finding.
    Raises ``UnknownInvariant`` for a wrong name.
    """
    for name in names:
        if name not in _invariants:
            known = ", ".join(sorted(_invariants)) or "none"
            raise UnknownInvariant(f"There is no invariant {name!r}. The invariants are: {known}.")
    chosen = [_invariants[name] for name in names] if names else invariants()
    for rule in chosen:
        yield from rule.violations()


def _name_of(row: Any) -> str:
    meta = getattr(row, "_meta", None)
    return str(row) if meta is None else f"{meta.label} {row.pk}"


def _path(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
