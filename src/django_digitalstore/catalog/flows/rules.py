"""What every verb of the catalog holds to: its actor may, and its fields are right."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from django_digitalstore.catalog.choices import UpdateTerms
from django_digitalstore.catalog.exceptions import NotYourProduct, ProductNotReady
from django_digitalstore.catalog.markdown import LONGEST_MARKDOWN

__all__ = ["check_actor", "clean", "notes_problem", "update_days_problem"]

#: A hundred years: later than any date that a computer would have to reckon with.
MOST_UPDATE_DAYS = 36_525


def clean(instance: models.Model) -> None:
    """Validate every field and constraint. Raises ``ProductNotReady`` with the wrong fields."""
    try:
        instance.full_clean()
    except ValidationError as error:
        raise ProductNotReady(error.error_dict) from error


def check_actor(instance: models.Model, owned: Any, actor: Any) -> None:
    """Let the seller of ``owned``, those who may change ``instance``, and the site (None) pass.

    Raises ``NotYourProduct``.
    """
    if actor is None or (owned.seller_id is not None and owned.seller_id == actor.pk):
        return
    options = instance._meta
    if actor.is_active and actor.has_perm(f"{options.app_label}.change_{options.model_name}"):
        return
    raise NotYourProduct(
        _("%(model)s “%(object)s” belongs to somebody else. Only its seller and staff change it.")
        % {"model": options.label, "object": instance}
    )


def notes_problem(notes: str) -> str:
    """Return what is wrong with the notes of a release, or nothing."""
    if len(notes) <= LONGEST_MARKDOWN:
        return ""
    return _("Write at most %(number)d characters; these are %(length)d.") % {
        "number": LONGEST_MARKDOWN,
        "length": len(notes),
    }


def update_days_problem(updates: str, days: int | None) -> str:
    """Return what is wrong with a product's days of updates, or nothing."""
    if updates == UpdateTerms.LIMITED and days is None:
        return _("Say for how many days after the purchase, as in 365.")
    if updates != UpdateTerms.LIMITED and days is not None:
        return _("Only limited updates have days. Choose those, or leave this empty.")
    if days is not None and days > MOST_UPDATE_DAYS:
        return _("Write at most %(number)d days, or choose all updates, for ever.") % {
            "number": MOST_UPDATE_DAYS
        }
    return ""
