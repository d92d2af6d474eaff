"""``manage.py loadsales``: some months of sales, so that the analytics have something to show."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from shop.models import Order, Product, Refund

from django_digitalstore.payments import testing as sandbox

COUNTRIES = {"DE": 9, "FR": 5, "PT": 4, "NL": 3, "AT": 3, "US": 2, "JP": 1}
READERS = "reader-{:03}@example.com"


class Command(BaseCommand):
    """Buys as readers do, at the sandbox, and moves each order to the day that it is meant for.

    The same sales each time, on days counted back from today; a second run adds nothing.
    """

    help = "Fills the demo shop with sales of the last months, for the analytics."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how many."""
        parser.add_argument("--orders", type=int, default=150, help="How many. Default: 150.")
        parser.add_argument("--days", type=int, default=75, help="Of how many days. Default: 75.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sell."""
        if not settings.DIGITALSTORE_TEST_MODE:
            raise CommandError(
                "loadsales – this shop is not in test mode, and sales that never were don't belong "
                "into real books – use the settings config.settings with DEBUG=1."
            )
        products = list(Product.objects.for_sale().filter(price__gt=0).order_by("pk"))
        if not products:
            raise CommandError("loadsales – nothing is for sale – run `manage.py loaddemo` first.")
        if get_user_model().objects.filter(email=READERS.format(0)).exists():
            self.stdout.write("The sales are there already.")
            return
        chance = random.Random(1453)
        for number in range(options["orders"]):
            self.sell(chance, products, number, options["days"])
        self.stdout.write(self.style.SUCCESS(f"{options['orders']} orders are placed."))

    def sell(self, chance: random.Random, products: list[Any], number: int, days: int) -> None:
        """Let one reader place an order; most pay, and few want their money back."""
        email = READERS.format(number)
        reader = get_user_model().objects.create_user(email.partition("@")[0], email)
        weights = [len(products) - place for place in range(len(products))]
        chosen = {chance.choices(products, weights)[0] for _ in range(chance.choice([1, 1, 1, 2]))}
        country = chance.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
        placed_at = self.moment(chance, days)
        luck = chance.random()
        if luck < 0.12:
            payment = sandbox.place_order(reader, *chosen, country=country)
            self.redate(payment.order, placed_at=placed_at)
            return
        order = sandbox.paid_order(reader, *chosen, country=country)
        if luck > 0.93:
            sandbox.refund(order)
            refunded_at = min(placed_at + dt.timedelta(days=3), timezone.now())
            refunds = Refund._base_manager.filter(payment__order=order)
            refunds.update(state_at=refunded_at, created_at=refunded_at)
        self.redate(order, placed_at=placed_at, paid_at=placed_at)

    def moment(self, chance: random.Random, days: int) -> dt.datetime:
        """Return a moment of the last days: lately more, at weekends less."""
        while True:
            at = timezone.now() - dt.timedelta(days=days * chance.random() ** 1.3)
            if at.weekday() < 5 or chance.random() < 0.5:
                return at

    def redate(self, order: Any, **moments: dt.datetime) -> None:
        """Move an order to its day: past the guard on purpose, since no flow rewrites history."""
        Order._base_manager.filter(pk=order.pk).update(**moments)
