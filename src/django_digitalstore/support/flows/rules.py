"""What every verb of the support holds to: its locks, its actors, and what may be written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_digitalstore.core import locks
from django_digitalstore.support import get_support_request_model, policies
from django_digitalstore.support.exceptions import InvalidSupport, NotYourRequest

if TYPE_CHECKING:
    from django_digitalstore.support.abstract_models import (
        AbstractSupportRequest,
        AbstractSupportTerms,
    )

__all__: list[str] = []  # for the flows beside it alone

_LONGEST_KEY = 64


def take_locks(user_id: Any, product_id: Any, *, writer_id: Any = None) -> None:
    """Take the mutex of (user, product), and that of a writer whose messages are counted.

    After the access mutex where a payment holds that, and before any row; in one statement.
    """
    keys = [f"support:{user_id}:{product_id}"]
    if writer_id is not None:
        keys.append(f"support-writer:{writer_id}")
    locks.take(*keys)


def lock_request(request: AbstractSupportRequest, *, writer: Any = None) -> AbstractSupportRequest:
    """Return the request as it is now, locked until the transaction ends."""
    writer_id = writer.pk if writer is not None and writer.pk == request.user_id else None
    take_locks(request.user_id, request.product_id, writer_id=writer_id)
    return get_support_request_model().objects.select_for_update().get(pk=request.pk)


def promised_by(terms: AbstractSupportTerms | None, now: datetime) -> datetime | None:
    """Return by when what waits for an answer since ``now`` has it, by its terms; or None."""
    if terms is None or terms.response_hours is None:
        return None
    return now + timedelta(hours=terms.response_hours)


def check_part(request: AbstractSupportRequest, actor: Any) -> None:
    """Let the customer, who may answer, and the site (None) pass. Raises ``NotYourRequest``."""
    if actor is not None and actor.pk == request.user_id and actor.is_active:
        return
    check_answers(request, actor)


def check_answers(request: AbstractSupportRequest, actor: Any) -> None:
    """Let who may answer, and the site (None), pass. Raises ``NotYourRequest``."""
    if actor is None or policies.can_answer(actor, request):
        return
    raise NotYourRequest(
        _("Support request %(number)s: only the product's seller and staff do this.")
        % {"number": request.public_id}
        if actor.pk == request.user_id
        else _("Support request %(number)s is between its customer and the product's seller.")
        % {"number": request.public_id}
    )


def check_manages(product: Any, actor: Any) -> None:
    """Let the product's seller, staff and the site (None) pass. Raises ``NotYourRequest``."""
    if actor is not None and not policies.can_manage(actor, product):
        raise NotYourRequest(
            _("The support of “%(product)s” belongs to somebody else: its seller and staff set it.")
            % {"product": product}
        )


def clean(instance: models.Model) -> None:
    """Validate every field and constraint. Raises ``InvalidSupport`` with the wrong fields."""
    try:
        instance.full_clean()
    except ValidationError as error:
        raise InvalidSupport(error.error_dict) from error


def clean_subject(text: str) -> str:
    """Return ``text`` as one line. Raises ``InvalidSupport``."""
    subject = " ".join(_without_nul(text).split())
    if not subject:
        raise InvalidSupport({"subject": _("Say in a few words what this is about.")})
    most = get_support_request_model()._meta.get_field("subject").max_length
    if most is not None and len(subject) > most:
        raise InvalidSupport(
            {"subject": _("Write at most %(most)d characters here.") % {"most": most}}
        )
    return subject


def clean_body(text: str) -> str:
    """Return ``text`` with one kind of line breaks. Raises ``InvalidSupport``."""
    body = "\n".join(_without_nul(text).splitlines()).strip()
    if not body:
        raise InvalidSupport({"body": _("Write something first.")})
    most = settings.DIGITALSTORE_SUPPORT_MESSAGE_LENGTH
    if len(body) > most:
        raise InvalidSupport(
            {
                "body": ngettext(
                    "Write at most %(most)d character, or attach a file.",
                    "Write at most %(most)d characters, or attach a file.",
                    most,
                )
                % {"most": most}
            }
        )
    return body


def _without_nul(text: str) -> str:
    # PostgreSQL takes none.
    return text.replace("\x00", "")


def clean_key(key: str) -> str:
    """Return the key of a form, as it came. Raises ``InvalidSupport``."""
    if len(key) > _LONGEST_KEY or "\x00" in key:
        raise InvalidSupport({"key": _("This form is broken: load the page again.")})
    return key
