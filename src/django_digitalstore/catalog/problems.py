"""What a seller should know of their products, told by features that the catalog does not know.

A feature registers a function in a module that is imported at start; seller pages ask all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["problems_of", "tells_problems"]

Teller = Callable[[list[Any]], Mapping[Any, str]]

_tellers: dict[str, Teller] = {}


def tells_problems(function: Teller) -> Teller:
    """Register a ``function(products)`` that returns primary key → problem, for the seller's eyes.

    It is asked once for a page of products: at most one query.
    """
    _tellers[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def problems_of(products: Iterable[Any]) -> dict[Any, list[str]]:
    """Return what is wrong with some of ``products``, by primary key."""
    asked = list(products)
    found: dict[Any, list[str]] = {}
    if asked:
        for name in sorted(_tellers):
            for pk, problem in _tellers[name](asked).items():
                found.setdefault(pk, []).append(problem)
    return found
