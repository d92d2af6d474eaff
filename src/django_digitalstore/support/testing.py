"""What tests of a host's project need: products with support, allowances, and open requests.

Everything goes the public way, by flows, so that a passing test means what it says. ::

    from django_digitalstore.entitlements.testing import customer_who_owns, make_product
    from django_digitalstore.support.testing import offer_support, open_request

    book = make_product()
    offer_support(book, included_requests=1)
    request = open_request(customer_who_owns(book), book)
"""

from __future__ import annotations

from typing import Any

from django_digitalstore.payments.flows import LineRequest
from django_digitalstore.payments.testing import paid_order

from . import flows
from .choices import Included
from .fulfilments import KIND

__all__ = ["give_allowance", "offer_support", "open_request", "paid_support"]


def offer_support(
    product: Any, included: str = Included.REQUESTS, *, included_requests: int = 3, **terms: Any
) -> Any:
    """Let ``product`` come with support, three requests by default; return the terms.

    ``terms`` are the fields of ``support.flows.save_terms``, as in
    ``pack_price=900, pack_size=3``.
    """
    return flows.save_terms(
        product, included=included, included_requests=included_requests, **terms
    )


def give_allowance(user: Any, product: Any, requests: int | None = 1, **fields: Any) -> Any:
    """Grant more requests to somebody who owns ``product``; None is without a limit."""
    fields.setdefault("reason", "test")
    return flows.grant_allowance(user, product, requests=requests, **fields)


def open_request(
    user: Any,
    product: Any,
    *,
    subject: str = "A question",
    body: str = "How does it work?",
    **fields: Any,
) -> Any:
    """Open a request of somebody who owns ``product`` and has support left."""
    return flows.open_request(user, product, subject=subject, body=body, **fields)


def paid_support(customer: Any, product: Any, **order: Any) -> Any:
    """Return an order of the product's pack, paid at the sandbox; as ``payments.testing`` does."""
    return paid_order(customer, LineRequest(product, KIND), **order)
