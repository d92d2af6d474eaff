"""What bookstand adds to a store's models. The host's app holds the concrete classes."""

from __future__ import annotations

import secrets
from typing import TypeVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_digitalstore.catalog.abstract_models import AbstractProduct, ProductQuerySet
from django_digitalstore.core.guard import GuardedManager, GuardedModel
from django_digitalstore.payments.abstract_models import (
    AbstractOrder,
    OrderQuerySet,
)

__all__ = [
    "AbstractBook",
    "AbstractBookOrder",
    "AbstractLicence",
    "BookOrderQuerySet",
    "BookQuerySet",
    "new_licence_key",
]

#: Rows of the querysets are of the model that the host makes of ours.
Book = TypeVar("Book", bound=models.Model)
BookOrder = TypeVar("BookOrder", bound=GuardedModel)


def new_licence_key() -> str:
    """Return a fresh key. Migrations name this function: it never moves."""
    return secrets.token_hex(10)


class BookQuerySet(ProductQuerySet[Book]):
    """Questions about books."""

    def shown(self) -> BookQuerySet[Book]:
        """Leave out the books that are sold by their address only."""
        return self.filter(hidden=False)


class AbstractBook(AbstractProduct):
    """A product with what a bookshop says about it."""

    isbn = models.CharField(_("ISBN"), max_length=13, blank=True)
    hidden = models.BooleanField(_("not in the list"), default=False)
    licence_price = models.PositiveBigIntegerField(
        _("price of a team licence"), null=True, blank=True, help_text=_("In minor units.")
    )

    objects = models.Manager.from_queryset(BookQuerySet)()  # type: ignore[misc]  # of the plugin

    class Meta(AbstractProduct.Meta):
        abstract = True


class BookOrderQuerySet(OrderQuerySet[BookOrder]):
    """Questions about orders, and who sent the buyer."""

    def of_affiliate(self, user: models.Model) -> BookOrderQuerySet[BookOrder]:
        """Keep the orders that ``user`` brought."""
        return self.filter(affiliate=user)


class AbstractBookOrder(AbstractOrder):
    """An order that knows who sent the buyer, and may be a present."""

    affiliate = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("affiliate"),
    )
    dedication = models.CharField(_("dedication"), max_length=200, blank=True)

    objects = GuardedManager.from_queryset(BookOrderQuerySet)()  # type: ignore[assignment, misc]

    class Meta(AbstractOrder.Meta):
        abstract = True


class AbstractLicence(models.Model):
    """The right of a team to a book. Rows are added and ended by the fulfilment."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="licences"
    )
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL, on_delete=models.PROTECT, related_name="licences"
    )
    key = models.CharField(max_length=20, unique=True, default=new_licence_key)
    #: The payment of a line that it was bought by: a fact may come any number of times.
    source = models.CharField(max_length=200, unique=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(key__gt=""), name="%(app_label)s_%(class)s_has_a_key"
            ),
        ]

    def __str__(self) -> str:
        return self.key
