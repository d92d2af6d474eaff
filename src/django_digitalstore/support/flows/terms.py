"""What support a product comes with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import guard, locks
from django_digitalstore.core.flow import flow
from django_digitalstore.support import get_support_terms_model, policies
from django_digitalstore.support.choices import Included
from django_digitalstore.support.exceptions import InvalidSupport

from .rules import check_manages, clean

if TYPE_CHECKING:
    from django_digitalstore.support.abstract_models import AbstractSupportTerms

__all__ = ["save_terms"]


@flow
def save_terms(
    product: Any,
    *,
    included: str = Included.NONE,
    included_requests: int | None = None,
    included_days: int | None = None,
    most_open: int | None = 3,
    pack_price: int | None = None,
    pack_size: int | None = None,
    response_hours: int | None = None,
    actor: Any = None,
) -> AbstractSupportTerms:
    """Set what later buyers of ``product`` get, and what more costs; return what is in force.

    Who bought before keeps what they were promised: the price of a pack alone is new for all.
    ``pack_price`` is in minor units of the product's currency. Nothing is written where nothing
    changed. Raises ``InvalidSupport`` with the wrong fields, and ``NotYourRequest``. Writes in one
    transaction, joins the caller's; no other I/O.
    """
    check_manages(product, actor)
    values: dict[str, Any] = {
        "included": included,
        # What belongs to another kind of terms would only confuse who reads them.
        "included_requests": included_requests if included == Included.REQUESTS else None,
        "included_days": included_days if included == Included.WINDOW else None,
        "most_open": most_open,
        "pack_price": pack_price,
        "pack_size": pack_size,
        "response_hours": response_hours,
    }
    _check_whole(values)
    locks.take(f"support-terms:{product.pk}")
    current = policies.terms_in_force(product)
    if current is not None and all(getattr(current, name) == v for name, v in values.items()):
        return current
    terms = get_support_terms_model()(
        product=product, saved_at=timezone.now(), actor=actor, **values
    )
    clean(terms)
    return guard.insert(terms)


def _check_whole(values: dict[str, Any]) -> None:
    """Say by field what the constraints of the table would say by their names."""
    wrong: dict[str, str] = {}
    included = values["included"]
    if included == Included.REQUESTS and not values["included_requests"]:
        wrong["included_requests"] = _("Say how many requests are included: at least one.")
    if included == Included.WINDOW and not values["included_days"]:
        wrong["included_days"] = _("Say for how many days: at least one.")
    if values["most_open"] is None and included == Included.UNLIMITED:
        wrong["most_open"] = _("Unlimited support needs a limit of open requests at once.")
    elif values["most_open"] == 0:
        wrong["most_open"] = _("At least one request must be possible.")
    if (values["pack_price"] is None) != (values["pack_size"] is None):
        lacking = "pack_price" if values["pack_price"] is None else "pack_size"
        wrong[lacking] = _("A pack has a price and a number of requests: fill in both, or none.")
    if values["pack_price"] == 0:
        wrong["pack_price"] = _("A pack costs something: what is free belongs to what is included.")
    if values["pack_size"] == 0:
        wrong["pack_size"] = _("A pack has at least one request.")
    if wrong:
        raise InvalidSupport(wrong)
