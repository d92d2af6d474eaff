"""What the host's checkout adds, so that links know the orders they led to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from django_digitalstore.contrib.shorturls import attribution

__all__ = ["AttributesLinksMixin"]


class AttributesLinksMixin:
    """Notes each order for the short link that the buyer clicked last.

    Stands first, as in
    ``class CheckoutView(AttributesLinksMixin, IsCustomerMixin, GenericCheckoutView)``.
    """

    request: HttpRequest

    def go_and_pay(self, payment: Any) -> HttpResponse:
        """Note the order, which is placed now, and go on. What fails here never stops a sale."""
        attribution.attribute(self.request, payment.order.public_id)
        response: HttpResponse = super().go_and_pay(payment)  # type: ignore[misc]
        return response
