"""Questions about support. All read, none writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_digitalstore.core.money import format_money
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.entitlements.policies import had_access, has_access, why_access_ended
from django_digitalstore.entitlements.sources import Source

from . import (
    get_support_allowance_model,
    get_support_attachment_model,
    get_support_message_model,
    get_support_request_model,
    get_support_terms_model,
)
from .choices import Included, RequestState
from .exceptions import NoSupport

if TYPE_CHECKING:
    from .abstract_models import (
        AbstractSupportAllowance,
        AbstractSupportAttachment,
        AbstractSupportMessage,
        AbstractSupportRequest,
        AbstractSupportTerms,
        SupportMessageQuerySet,
        SupportRequestQuerySet,
    )

__all__ = [
    "Offer",
    "SupportBalance",
    "allowance_from",
    "attachments_for",
    "can_answer",
    "can_download",
    "can_manage",
    "can_open",
    "can_read",
    "can_reopen",
    "can_reply",
    "check_open",
    "check_reopen",
    "check_reply",
    "had_access_at",
    "has_active_support_request",
    "may_answer_all",
    "offer_by",
    "owner_since",
    "pack_offer",
    "reopenable_until",
    "requests_for",
    "support_allowance",
    "supported_purchases",
    "terms_at",
    "terms_by_product",
    "terms_in_force",
    "terms_of",
    "visible_messages",
]

_HOUR = timedelta(hours=1)
#: Open requests that a customer may have where nobody ever wrote terms: an allowance was granted.
_MOST_OPEN = 3


# --- Terms --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A pack of ``size`` requests, for ``price`` in minor units of ``currency``."""

    size: int
    price: int
    currency: str

    @property
    def display_price(self) -> str:
        """Return the price as people write it in the active language."""
        return format_money(self.price, self.currency)

    def __str__(self) -> str:
        return ngettext(
            "%(size)d request costs %(price)s.", "%(size)d requests cost %(price)s.", self.size
        ) % {"size": self.size, "price": self.display_price}


def terms_in_force(product: Any) -> AbstractSupportTerms | None:
    """Return what a buyer gets now; None for a product without support. One query."""
    return get_support_terms_model().objects.filter(product_id=product.pk).first()


def terms_at(product: Any, when: datetime) -> AbstractSupportTerms | None:
    """Return the terms that were in force at a moment; the first ones where it was before them."""
    terms = get_support_terms_model().objects.filter(product_id=product.pk)
    return terms.filter(saved_at__lte=when).first() or terms.order_by("saved_at", "pk").first()


def terms_of(user: Any, product: Any) -> AbstractSupportTerms | None:
    """Return the terms under which ``user`` got ``product``: those of the day it was first given.

    So terms that change do so for later buyers alone, and a refund and a second purchase renew
    nothing. Those in force where it was never given. Two queries.
    """
    since = owner_since(user, product)
    return terms_in_force(product) if since is None else terms_at(product, since)


def owner_since(user: Any, product: Any) -> datetime | None:
    """Return when ``user`` was first given ``product``, by whatever source. One query."""
    return (
        get_grant_model()
        .objects.allowing()
        .filter(user_id=user.pk, product_id=product.pk)
        # One of no length only notes what a source would say: it never gave anything.
        .filter(Q(ended_at=None) | Q(ended_at__gt=F("granted_at")))
        .order_by("granted_at")
        .values_list("granted_at", flat=True)
        .first()
    )


def pack_offer(product: Any) -> Offer | None:
    """Return the pack that is sold for ``product`` now; None where none is. One query."""
    return offer_by(terms_in_force(product), product)


def offer_by(terms: AbstractSupportTerms | None, product: Any) -> Offer | None:
    """Return the pack that these terms of ``product`` sell; None where they sell none."""
    if terms is None or terms.pack_price is None or terms.pack_size is None:
        return None
    return Offer(size=terms.pack_size, price=terms.pack_price, currency=product.currency)


# --- Allowances ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportBalance:
    """What support ``user`` has for a product, whether or not they have access now.

    ``included_left`` and ``bought_left`` are numbers of requests. With ``is_unlimited`` neither
    counts: until ``until``, or as long as the product is theirs where that is None. Without,
    ``until`` is when the included days ended, if any were. ``offer`` is what can be bought.
    ``allowance`` is what the next request takes; None is what was included.
    """

    included_left: int
    bought_left: int
    is_unlimited: bool
    until: datetime | None
    offer: Offer | None
    terms: AbstractSupportTerms | None
    allowance: AbstractSupportAllowance | None

    @property
    def requests_left(self) -> int:
        """Return how many requests are left, included and bought; says nothing where unlimited."""
        return self.included_left + self.bought_left

    @property
    def has_some(self) -> bool:
        """Tell whether a request could be opened, as far as the allowance goes."""
        return self.is_unlimited or self.requests_left > 0


def support_allowance(user: Any, product: Any, now: datetime | None = None) -> SupportBalance:
    """Return what support ``user`` has for ``product``: included, bought and granted. Queries: 5.

    What was included is used first, then the allowance that ends first, then the oldest.
    """
    now = now or timezone.now()
    terms = terms_of(user, product)
    included_left, is_unlimited, until = 0, False, None
    if terms is not None and terms.included == Included.REQUESTS:
        used = get_support_request_model().objects.filter(
            user_id=user.pk, product_id=product.pk, allowance=None
        )
        included_left = max((terms.included_requests or 0) - used.count(), 0)
    elif terms is not None and terms.included == Included.UNLIMITED:
        is_unlimited = True
    elif terms is not None and terms.included == Included.WINDOW:
        until = _window_end(user, product, terms, now)
        is_unlimited = now < until
    is_included = included_left > 0 or is_unlimited
    bought_left, first = 0, None
    for allowance in _allowances(user, product, now):
        left = None if allowance.requests is None else allowance.requests - allowance.used
        if left is not None and left <= 0:
            continue
        first = first or allowance
        if left is None:
            # It lasts as long as the longer of the two.
            if not is_unlimited:
                is_unlimited, until = True, allowance.expires_at
            elif until is not None:
                until = allowance.expires_at and max(until, allowance.expires_at)
        else:
            bought_left += left
    return SupportBalance(
        included_left=included_left,
        bought_left=bought_left,
        is_unlimited=is_unlimited,
        until=until,
        offer=pack_offer(product),
        terms=terms,
        allowance=None if is_included else first,
    )


def _window_end(user: Any, product: Any, terms: AbstractSupportTerms, now: datetime) -> datetime:
    since = owner_since(user, product) or now
    try:
        return since + timedelta(days=terms.included_days or 0)
    except OverflowError:
        return datetime.max.replace(tzinfo=since.tzinfo)


def _allowances(user: Any, product: Any, now: datetime) -> list[Any]:
    """Return the allowances that stand, in the order in which they are used up."""
    standing: Any = get_support_allowance_model().objects.standing(now).with_used()
    return list(
        standing.filter(user_id=user.pk, product_id=product.pk).order_by(
            F("expires_at").asc(nulls_last=True), "granted_at", "pk"
        )
    )


def allowance_from(user: Any, product: Any, source: Source) -> AbstractSupportAllowance | None:
    """Return the first allowance that ``source`` gave, standing or ended; or None. One query."""
    found = get_support_allowance_model().objects.filter(
        user_id=user.pk,
        product_id=product.pk,
        source_kind=source.kind,
        source_reference=source.reference,
    )
    return found.order_by("granted_at", "pk").first()


# --- Opening and going on -----------------------------------------------------------------------


def has_active_support_request(user: Any, product: Any) -> bool:
    """Tell whether ``user`` has a request about ``product`` that is not resolved. One query."""
    return _ongoing(user, product).exists()


def _ongoing(user: Any, product: Any) -> SupportRequestQuerySet:
    requests: SupportRequestQuerySet[Any] = get_support_request_model().objects.ongoing()
    return requests.filter(user_id=getattr(user, "pk", None), product_id=product.pk)


def check_open(user: Any, product: Any) -> SupportBalance:
    """Return what a new request of ``user`` would be paid with; raise ``NoSupport`` where it can't.

    The answer holds under the flows' mutex only: a page may ask it to say early what
    ``open_request`` would say.
    """
    _check_access(user, product)
    _check_request_rate(user)
    balance = support_allowance(user, product)
    if not balance.has_some:
        raise _nothing_left(product, balance)
    _check_number(user, product, balance.terms)
    return balance


def _check_number(user: Any, product: Any, terms: AbstractSupportTerms | None) -> None:
    most = _MOST_OPEN if terms is None else terms.most_open
    number = _ongoing(user, product).count()
    if most is not None and number >= most:
        raise NoSupport(
            "too_many_open",
            ngettext(
                "You have %(number)d open request about “%(product)s” already: go on there, or "
                "mark it as resolved.",
                "You have %(number)d open requests about “%(product)s” already: go on there, or "
                "mark one as resolved.",
                number,
            )
            % {"number": number, "product": product},
        )


def can_open(user: Any, product: Any) -> bool:
    """Tell whether ``user`` may open a request about ``product`` now."""
    try:
        check_open(user, product)
    except NoSupport:
        return False
    return True


def _check_access(user: Any, product: Any) -> None:
    if has_access(user, product):
        return
    if had_access(user, product):
        raise NoSupport(
            "access_lost",
            _("“%(product)s” is not yours any more, and its support ended with it.")
            % {"product": product},
        )
    raise NoSupport(
        "no_purchase",
        _("Support for “%(product)s” is for those who own it: buy “%(product)s” first.")
        % {"product": product},
    )


def _check_request_rate(user: Any) -> None:
    most = settings.DIGITALSTORE_SUPPORT_REQUESTS_PER_HOUR
    if most is None:
        return
    since = timezone.now() - _HOUR
    # Counted in the table, under the user's own mutex: no cache that may be away or be cleared.
    opened = get_support_request_model().objects.filter(user_id=user.pk, opened_at__gt=since)
    if opened.count() >= most:
        raise NoSupport(
            "too_fast",
            ngettext(
                "You opened %(most)d request within the last hour: please wait a while.",
                "You opened %(most)d requests within the last hour: please wait a while.",
                most,
            )
            % {"most": most},
        )


def _nothing_left(product: Any, balance: SupportBalance) -> NoSupport:
    terms, offer = balance.terms, balance.offer
    if terms is not None and terms.included == Included.WINDOW and balance.until is not None:
        code = "window_over"
        problem = _("The support that came with “%(product)s” ended on %(date)s.") % {
            "product": product,
            "date": date_format(timezone.localtime(balance.until), "DATE_FORMAT"),
        }
    elif terms is not None and terms.included == Included.REQUESTS:
        code = "used_up"
        problem = _("You have used up the support for “%(product)s”.") % {"product": product}
    elif offer is not None:
        code = "not_included"
        problem = _("Support for “%(product)s” is not included.") % {"product": product}
    else:
        return NoSupport(
            "not_offered",
            _("There is no support for “%(product)s”.") % {"product": product},
        )
    more = str(offer) if offer else _("No more is sold.")
    return NoSupport(code, f"{problem} {more}", offer)


def check_reply(request: AbstractSupportRequest, author: Any) -> None:
    """Raise ``NoSupport`` where a request cannot go on. Who ``author`` is must be known."""
    _check_is_theirs(request, author)
    if request.state == RequestState.CLOSED:
        raise _closed(request, author)
    if request.state == RequestState.RESOLVED and request.user_id == author.pk:
        check_reopen(request, author)
    if request.user_id == author.pk:
        _check_message_rate(author)


def can_reply(request: AbstractSupportRequest, author: Any) -> bool:
    """Tell whether ``author``, who has a part in it, may write to a request now."""
    try:
        check_reply(request, author)
    except NoSupport:
        return False
    return True


def _closed(request: AbstractSupportRequest, author: Any) -> NoSupport:
    if request.user_id == author.pk:
        return NoSupport(
            "closed", _("This request is closed. Please open a new one if you need more help.")
        )
    return NoSupport("closed", _("This request is closed: reopen it before you answer."))


def _check_is_theirs(request: AbstractSupportRequest, author: Any) -> None:
    """Raise where the customer has lost the product: help is for owners, whoever gives it."""
    if request.user_id == author.pk:
        _check_access(author, request.product)
    elif not has_access(request.user, request.product):
        raise NoSupport(
            "access_lost",
            _(
                "The customer does not have “%(product)s” any more (%(why)s), and its support "
                "ended with it. You can write an internal note, and resolve or close the request."
            )
            % {
                "product": request.product,
                "why": _why_lost(request),
            },
        )


def _why_lost(request: AbstractSupportRequest) -> str:
    """Return, for the seller's side, why the customer lost the product."""
    reason = why_access_ended(request.user, request.product)
    return str(reason.label) if reason is not None else _("It was never theirs")


def _check_message_rate(user: Any) -> None:
    most = settings.DIGITALSTORE_SUPPORT_MESSAGES_PER_HOUR
    if most is None:
        return
    since = timezone.now() - _HOUR
    if get_support_message_model().objects.filter(author=user, at__gt=since).count() >= most:
        raise NoSupport(
            "too_fast",
            ngettext(
                "You wrote %(most)d message within the last hour: please wait a while.",
                "You wrote %(most)d messages within the last hour: please wait a while.",
                most,
            )
            % {"most": most},
        )


def reopenable_until(request: AbstractSupportRequest) -> datetime | None:
    """Return until when its customer may reopen a resolved request; None for any other. No I/O."""
    if request.state != RequestState.RESOLVED or request.resolved_at is None:
        return None
    return request.resolved_at + settings.DIGITALSTORE_SUPPORT_REOPEN_WITHIN


def check_reopen(request: AbstractSupportRequest, actor: Any) -> None:
    """Raise ``NoSupport`` where ``actor`` cannot reopen a request that is not ongoing.

    The customer can for a while after it was resolved, not once it is closed, and while it would
    not be one too many at once. None is the site.
    """
    if actor is None or request.user_id != actor.pk:
        return
    _check_access(actor, request.product)
    until = reopenable_until(request)
    if until is None:
        raise _closed(request, actor)
    if until < timezone.now():
        raise NoSupport(
            "reopen_late",
            _(
                "This request was resolved on %(date)s, which is too long ago to reopen it. Please "
                "open a new one."
            )
            % {"date": date_format(timezone.localtime(request.resolved_at), "DATE_FORMAT")},
        )
    # Else resolving and reopening would be the way around the limit.
    _check_number(actor, request.product, terms_of(actor, request.product))


def can_reopen(request: AbstractSupportRequest, actor: Any) -> bool:
    """Tell whether ``actor``, who has a part in it, may reopen a request now."""
    if request.is_ongoing:
        return False
    try:
        check_reopen(request, actor)
    except NoSupport:
        return False
    return True


# --- Who reads, and who answers -----------------------------------------------------------------


def can_answer(user: Any, request: AbstractSupportRequest) -> bool:
    """Tell whether ``user`` is the product's seller, or staff who may change requests.

    Never the request's own customer, whatever else they may: nobody is both sides.
    """
    if user is None or request.user_id == user.pk or not user.is_active:
        return False
    return _sells(user, request.product) or may_answer_all(user)


def may_answer_all(user: Any) -> bool:
    """Tell whether ``user`` is staff who may change requests, whoever sells the product."""
    options = get_support_request_model()._meta
    return bool(
        user.is_active and user.has_perm(f"{options.app_label}.change_{options.model_name}")
    )


def can_manage(user: Any, product: Any) -> bool:
    """Tell whether ``user`` may set a product's terms and give allowances: its seller, or staff."""
    if not user.is_active:
        return False
    options = get_support_terms_model()._meta
    return _sells(user, product) or bool(
        user.has_perm(f"{options.app_label}.add_{options.model_name}")
    )


def _sells(user: Any, product: Any) -> bool:
    return product.seller_id is not None and bool(product.seller_id == user.pk)


def can_read(user: Any, request: AbstractSupportRequest) -> bool:
    """Tell whether ``user`` may read a thread: its customer, also without access, or who answers.

    Staff who may only view requests read it too, notes included.
    """
    if getattr(user, "pk", None) is None:
        return False
    return request.user_id == user.pk or can_answer(user, request) or _views(user, request)


def _views(user: Any, request: AbstractSupportRequest) -> bool:
    options = request._meta
    return bool(user.is_active and user.has_perm(f"{options.app_label}.view_{options.model_name}"))


def requests_for(user: Any, *, as_seller: bool) -> SupportRequestQuerySet:
    """Return the requests that ``user`` opened, or, ``as_seller``, those that they may answer.

    These are about what they sell; staff who may change requests answer all. Never their own. Lazy.
    """
    requests: SupportRequestQuerySet[Any] = get_support_request_model().objects.select_related(
        "user", "product", "assignee"
    )
    if not as_seller:
        return requests.of_customer(user)
    return (requests if may_answer_all(user) else requests.of_seller(user)).exclude(user=user)


def supported_purchases(user: Any) -> Any:
    """Return what ``user`` owns that comes with support, or for which they were given some. Lazy.

    Whether anything is left of it, ``support_allowance`` says.
    """
    purchases = get_purchased_product_model().objects.of_customer(user).select_related("product")
    terms = get_support_terms_model().objects.filter(product_id=OuterRef("product_id"))
    given = get_support_allowance_model().objects.filter(
        user_id=OuterRef("user_id"), product_id=OuterRef("product_id")
    )
    return purchases.filter(Exists(terms) | Exists(given))


def terms_by_product(products: Iterable[Any]) -> dict[Any, AbstractSupportTerms]:
    """Return product key → the terms in force, for a page of products. One query."""
    newest = get_support_terms_model().objects.filter(product_id=OuterRef("product_id"))
    found = get_support_terms_model().objects.filter(
        product_id__in=[product.pk for product in products],
        pk=Subquery(newest.order_by("-saved_at", "-pk").values("pk")[:1]),
    )
    return {terms.product_id: terms for terms in found}


def visible_messages(user: Any, request: AbstractSupportRequest) -> SupportMessageQuerySet:
    """Return the messages of a thread that ``user`` may read, oldest first. Lazy.

    None for a stranger, and no internal note for the customer.
    """
    # Any: the plugin knows fields of concrete models only.
    everything: Any = get_support_message_model().objects
    messages: SupportMessageQuerySet[Any] = (
        everything.filter(request=request).select_related("author").prefetch_related("attachments")
    )
    if not can_read(user, request):
        return messages.none()
    return messages.public() if request.user_id == user.pk else messages


def can_download(user: Any, attachment: AbstractSupportAttachment) -> bool:
    """Tell whether ``user`` may have a file: who may read the message that it came with."""
    message: AbstractSupportMessage = attachment.message
    if message.internal and message.request.user_id == getattr(user, "pk", None):
        return False
    return can_read(user, message.request)


def attachments_for(user: Any, request: AbstractSupportRequest) -> Any:
    """Return the files of a thread that ``user`` may have. Lazy."""
    return get_support_attachment_model().objects.filter(
        message__in=visible_messages(user, request).order_by().values("pk")
    )


# --- Access that was lost -----------------------------------------------------------------------


def had_access_at(user: Any, product: Any, when: datetime) -> bool:
    """Tell whether ``user`` had access to ``product`` at a moment, by the ledger. Two queries."""
    then = (
        get_grant_model()
        .objects.filter(user_id=user.pk, product_id=product.pk, granted_at__lte=when)
        .filter(Q(ended_at=None) | Q(ended_at__gt=when))
        .filter(Q(expires_at=None) | Q(expires_at__gt=when))
    )
    return then.allowing().exists() and not then.denying().exists()
