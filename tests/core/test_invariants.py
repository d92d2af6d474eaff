"""The rules that hold of the whole database: registered by features, asked in one place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from django_digitalstore.core import invariants as module
from django_digitalstore.core.invariants import (
    Finding,
    UnknownInvariant,
    Violation,
    invariant,
    violations,
)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_invariants", {})


def test_each_rule_is_asked_and_its_findings_name_row_problem_and_cure() -> None:
    @invariant("books.shelved")
    def shelved() -> Iterator[Finding]:
        """Each book has a shelf."""
        yield "Book 3", "it has no shelf", "give it one."

    @invariant("books.bound")
    def bound() -> Iterator[Finding]:
        yield from ()

    (found,) = violations()
    assert found == Violation(
        invariant="books.shelved", row="Book 3", problem="it has no shelf", fix="give it one."
    )
    assert str(found) == "Book 3 – it has no shelf – give it one."
    assert [(rule.name, rule.summary) for rule in module.invariants()] == [
        ("books.bound", "books.bound"),
        ("books.shelved", "Each book has a shelf."),
    ]
    assert list(violations("books.bound")) == []


def test_a_name_is_taken_once() -> None:
    def first() -> Iterator[Finding]:
        yield from ()

    def second() -> Iterator[Finding]:
        yield from ()

    invariant("books.bound")(first)
    invariant("books.bound")(first)
    with pytest.raises(ValueError, match="already") as error:
        invariant("books.bound")(second)
    here = f"{__name__}.test_a_name_is_taken_once.<locals>"
    assert str(error.value) == (
        f"The invariant 'books.bound' is already {here}.first. Give {here}.second another name."
    )


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    invariant("books.bound")(lambda: iter(()))
    with pytest.raises(UnknownInvariant) as error:
        list(violations("books.burnt"))
    assert str(error.value) == (
        "There is no invariant 'books.burnt'. The invariants are: books.bound."
    )
