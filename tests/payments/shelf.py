"""A provider that keeps products of its own: what a checkout costs is what stands on its shelf.

The shelf is a file, so that it outlives a process that is killed. Faults are functions that run
before or after the provider does something: they raise, wait, or kill the process.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from django_digitalstore.payments.backends import Checkout, CheckoutAttempt, Item
from django_digitalstore.payments.backends.sandbox import SandboxBackend

__all__ = ["Shelf", "ShelfBackend", "settings_of"]

Fault = Callable[..., None]


def settings_of(shelf: Shelf, *aliases: str) -> dict[str, Any]:
    """Return DIGITALSTORE_PAYMENTS with the shelf's provider."""
    backend = f"{__name__}.ShelfBackend"
    return {
        alias: {"BACKEND": backend, "OPTIONS": {"FILE": str(shelf.file)}}
        for alias in aliases or ("default",)
    }


class Shelf:
    """The provider's side: its products, and what it was asked."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            file.write_text(json.dumps({"products": {}, "calls": []}))

    @contextmanager
    def open(self) -> Iterator[dict[str, Any]]:
        with self.file.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            content = json.load(file)
            yield content
            file.seek(0)
            file.truncate()
            json.dump(content, file)

    @property
    def products(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads(self.file.read_text())["products"])

    @property
    def calls(self) -> list[str]:
        return list(json.loads(self.file.read_text())["calls"])

    def on_sale(self) -> dict[str, int]:
        """Return name → price of what can be bought there."""
        return {p["name"]: p["amount"] for p in self.products.values() if not p["archived"]}


class ShelfBackend(SandboxBackend):
    """Talks to the shelf of OPTIONS["FILE"]."""

    required_options: ClassVar[frozenset[str]] = frozenset({"FILE"})
    known_options: ClassVar[frozenset[str]] = frozenset({"PER_SECOND"})
    keeps_items = True

    #: ("before" or "after", what) → what goes wrong then. Emptied by the fixture ``shelf``.
    faults: ClassVar[dict[tuple[str, str], Fault]] = {}

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self.items_per_second = options.get("PER_SECOND")
        self.shelf = Shelf(Path(options["FILE"]))

    @contextmanager
    def asked(self, what: str, *args: Any) -> Iterator[dict[str, Any]]:
        self.faults.get(("before", what), lambda *args: None)(*args)
        with self.shelf.open() as content:
            content["calls"].append(what)
            yield content
        self.faults.get(("after", what), lambda *args: None)(*args)

    def describe_item(self, item: Item) -> Mapping[str, Any]:
        self.faults.get(("before", "describe"), lambda *args: None)(item)
        if item.amount > 1_000_000:
            raise ValueError("The shelf takes prices up to 10,000.")
        return {"name": item.name, "amount": item.amount, "currency": item.currency}

    def ensure_item(self, item: Item, reference: str = "") -> str:
        with self.asked("ensure", item) as content:
            reference = reference or f"shelf_{len(content['products']) + 1}"
            content["products"][reference] = {
                **self.describe_item(item),
                "key": item.key,
                "archived": False,
            }
        return reference

    def find_item(self, item: Item) -> str:
        with self.asked("find", item) as content:
            found = [ref for ref, p in content["products"].items() if p["key"] == item.key]
        return found[0] if found else ""

    def archive_item(self, reference: str) -> None:
        with self.asked("archive", reference) as content:
            content["products"][reference]["archived"] = True

    def create_checkout(self, attempt: CheckoutAttempt) -> Checkout:
        products = self.shelf.products
        charged = 0
        for line in attempt.lines:
            if products[line.item]["archived"]:
                raise ValueError(f"{line.item} is archived.")
            charged += products[line.item]["amount"] * line.quantity
        return super().create_checkout(dataclasses.replace(attempt, amount=charged))
