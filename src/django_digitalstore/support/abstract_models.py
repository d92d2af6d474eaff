"""Abstract models of the support. The host's app holds the concrete classes.

Terms and allowances are a ledger: rows are added (and allowances ended), never edited or deleted.
What was used is counted from the requests themselves, so that no counter can drift.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.catalog.validators import validate_file_name
from django_digitalstore.core.guard import Guard, GuardedManager, GuardedModel, GuardedQuerySet, M
from django_digitalstore.core.search import holds
from django_digitalstore.payments.abstract_models import new_payment_key, new_public_id

from .choices import Included, RequestState, included_supports, request_states
from .fields import AttachmentFileField
from .storage import attachment_path

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

__all__ = [
    "AbstractSupportAllowance",
    "AbstractSupportAttachment",
    "AbstractSupportMessage",
    "AbstractSupportRequest",
    "AbstractSupportTerms",
    "SupportAllowanceQuerySet",
    "SupportMessageQuerySet",
    "SupportRequestQuerySet",
]

_TESTING = "django_digitalstore.support.testing."
_KEPT = "support is a record of what was asked and answered, and is kept."

#: States in which somebody has still to do something.
_ONGOING = (RequestState.OPEN, RequestState.WAITING_SELLER, RequestState.WAITING_CUSTOMER)
_WAITING = (RequestState.OPEN, RequestState.WAITING_SELLER)


class AbstractSupportTerms(GuardedModel):
    """What support a product comes with, and what more costs, from a moment on. Never edited."""

    guard = Guard(
        owner="support.flows",
        insert="call support.flows.save_terms(product, included=…, actor=…) instead.",
        delete="terms that somebody bought under are kept: call support.flows.save_terms(…).",
        update="terms that somebody bought under are kept: call support.flows.save_terms(…).",
        testing=_TESTING + "offer_support(product)",
    )

    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="support_terms",
        verbose_name=_("product"),
    )
    included = models.CharField(
        _("included support"), max_length=20, choices=included_supports, default=Included.NONE
    )
    included_requests = models.PositiveIntegerField(
        _("included requests"), null=True, blank=True, help_text=_("Where a number is included.")
    )
    included_days = models.PositiveIntegerField(
        _("days of support"),
        null=True,
        blank=True,
        help_text=_("Where some days are included: from the day on which access was first given."),
    )
    most_open = models.PositiveIntegerField(
        _("most open requests"),
        null=True,
        blank=True,
        default=3,
        help_text=_("That one customer may have at once. Empty: without a limit."),
    )
    pack_price = models.PositiveBigIntegerField(
        _("price of a pack"),
        null=True,
        blank=True,
        help_text=_("In minor units of the product's currency. Empty: no packs are sold."),
    )
    pack_size = models.PositiveIntegerField(_("requests of a pack"), null=True, blank=True)
    response_hours = models.PositiveIntegerField(
        _("hours to an answer"),
        null=True,
        blank=True,
        help_text=_("What buyers are promised. Empty: nothing."),
    )
    saved_at = models.DateTimeField(_("since"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("saved by"),
    )

    objects = GuardedManager()

    class Meta:
        abstract = True
        verbose_name = _("support terms")
        verbose_name_plural = _("support terms")
        ordering = ["-saved_at", "-pk"]
        indexes = [models.Index(fields=["product", "saved_at"])]
        constraints = [
            models.CheckConstraint(
                # With "is not null": a CHECK lets pass what is neither true nor false.
                condition=Q(included__in=["none", "unlimited"])
                | Q(
                    included="requests",
                    included_requests__isnull=False,
                    included_requests__gt=0,
                )
                | Q(included="window", included_days__isnull=False, included_days__gt=0),
                name="%(app_label)s_%(class)s_included_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(included="unlimited") | Q(most_open__isnull=False),
                name="%(app_label)s_%(class)s_unlimited_has_a_cap",
            ),
            models.CheckConstraint(
                condition=Q(most_open=None) | Q(most_open__gt=0),
                name="%(app_label)s_%(class)s_cap_lets_one_in",
            ),
            models.CheckConstraint(
                condition=Q(pack_price=None, pack_size=None)
                | Q(
                    pack_price__isnull=False,
                    pack_price__gt=0,
                    pack_size__isnull=False,
                    pack_size__gt=0,
                ),
                name="%(app_label)s_%(class)s_pack_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.included}"

    @property
    def sells_packs(self) -> bool:
        """Tell whether more support can be bought."""
        return self.pack_price is not None and self.pack_size is not None


class SupportAllowanceQuerySet(GuardedQuerySet[M]):
    """Questions about allowances."""

    def standing(self, now: datetime | None = None) -> Self:
        """Keep those that count: not ended, and not past their expiry."""
        now = now or timezone.now()
        return self.filter(ended_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def with_used(self) -> Self:
        """Add ``used``: how many requests each paid for."""
        return self.annotate(used=Count("support_requests"))


class AbstractSupportAllowance(GuardedModel):
    """Support beyond what was included: bought as a pack, or granted by a person."""

    guard = Guard(
        owner="support.flows",
        insert="call support.flows.grant_allowance(user, product, requests=…, reason=…) instead.",
        delete="what was bought is kept: call support.flows.end_allowance(allowance, reason=…).",
        update="what was bought is kept: call support.flows.end_allowance(allowance, reason=…).",
        testing=_TESTING + "give_allowance(user, product)",
    )

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("user"),
    )
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="support_allowances",
        verbose_name=_("product"),
    )
    source_kind = models.CharField(_("source"), max_length=40)
    source_reference = models.CharField(_("source reference"), max_length=200, blank=True)
    requests = models.PositiveIntegerField(
        _("requests"), null=True, blank=True, help_text=_("Empty: without a limit.")
    )
    granted_at = models.DateTimeField(_("granted at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("granted by"),
    )
    reason = models.TextField(_("reason"), blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_reason = models.TextField(_("why it ended"), blank=True, default="")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("ended by"),
    )

    objects = GuardedManager.from_queryset(SupportAllowanceQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("support allowance")
        verbose_name_plural = _("support allowances")
        ordering = ["-granted_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "product", "ended_at"]),
            models.Index(fields=["source_kind", "source_reference"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(requests=None) | Q(requests__gt=0),
                name="%(app_label)s_%(class)s_gives_something",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_reason="")
                | Q(ended_at__isnull=False, ended_reason__gt=""),
                name="%(app_label)s_%(class)s_ended_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_kind}:{self.source_reference}"

    @property
    def is_standing(self) -> bool:
        """Tell whether it counts now; that the user has access is another question."""
        return self.ended_at is None and (
            self.expires_at is None or self.expires_at > timezone.now()
        )


class SupportRequestQuerySet(GuardedQuerySet[M]):
    """Questions about requests: each of the seller's queue is one of these."""

    def of_customer(self, user: Any) -> Self:
        """Keep the requests that this user opened."""
        return self.filter(user=user)

    def of_seller(self, user: Any) -> Self:
        """Keep the requests about this seller's products: the one tenant filter."""
        return self.filter(product__seller=user)

    def ongoing(self) -> Self:
        """Keep those that are neither resolved nor closed."""
        return self.filter(state__in=_ONGOING)

    def mine(self, user: Any) -> Self:
        """Keep those that are assigned to ``user``."""
        return self.filter(assignee=user)

    def unassigned(self) -> Self:
        """Keep those that nobody took."""
        return self.filter(assignee=None)

    def waiting(self) -> Self:
        """Keep those that wait for an answer of the seller."""
        return self.filter(state__in=_WAITING)

    def overdue(self, now: datetime | None = None) -> Self:
        """Keep those whose promised time has passed without an answer."""
        return self.waiting().filter(due_at__lt=now or timezone.now())

    def search(self, text: str) -> Self:
        """Keep those in which every word stands, in number, subject, product or public message."""
        queryset = self
        for word in text.split()[:10]:
            said = holds("messages__body", word) & Q(messages__internal=False)
            queryset = queryset.filter(
                Q(public_id=word.upper())
                | holds("subject", word)
                | holds("product__title", word)
                | Q(pk__in=self.model._default_manager.filter(said).order_by().values("pk"))
            )
        return queryset

    def by_age(self) -> Self:
        """Return them oldest first: who has waited longest."""
        return self.order_by("waiting_since", "pk")

    def by_promise(self) -> Self:
        """Return them by the time that was promised; those without a promise last."""
        return self.order_by(F("due_at").asc(nulls_last=True), "waiting_since", "pk")


class AbstractSupportRequest(GuardedModel):
    """Somebody who bought a product needs help with it."""

    guard = Guard(
        owner="support.flows",
        insert="call support.flows.open_request(user, product, subject=…, body=…) instead.",
        delete=_KEPT,
        update=(
            "call support.flows.reply(), assign(), resolve(), reopen() or close() of the request "
            "instead."
        ),
        testing=_TESTING + "open_request(user, product)",
        columns=frozenset(
            {
                "public_id",
                "user",
                "product",
                "subject",
                "state",
                "allowance",
                "assignee",
                "key",
                "opened_at",
                "due_at",
                "waiting_since",
                "last_message_at",
                "resolved_at",
                "closed_at",
            }
        ),
    )

    public_id = models.CharField(
        _("number"), max_length=20, unique=True, default=new_public_id, editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("customer"),
    )
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="support_requests",
        verbose_name=_("product"),
    )
    subject = models.CharField(_("subject"), max_length=200)
    state = models.CharField(
        _("state"), max_length=20, choices=request_states, default=RequestState.OPEN
    )
    allowance = models.ForeignKey(
        settings.DIGITALSTORE_SUPPORT_ALLOWANCE_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="support_requests",
        verbose_name=_("allowance"),
        help_text=_("Empty: what was included."),
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assigned to"),
    )
    # Of the form that opened it: a second click sends the same.
    key = models.CharField(max_length=64, default=new_payment_key, editable=False)
    opened_at = models.DateTimeField(_("opened at"))
    due_at = models.DateTimeField(_("promised by"), null=True, blank=True)
    waiting_since = models.DateTimeField(_("waiting since"))
    last_message_at = models.DateTimeField(_("last message at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = GuardedManager.from_queryset(SupportRequestQuerySet)()

    if TYPE_CHECKING:
        messages: RelatedManager[Any]

    class Meta:
        abstract = True
        verbose_name = _("support request")
        verbose_name_plural = _("support requests")
        ordering = ["-last_message_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "product", "state"]),
            models.Index(fields=["product", "state", "waiting_since"]),
            models.Index(fields=["state", "resolved_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "key"], name="%(app_label)s_%(class)s_one_per_key"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "open",
                        "waiting_seller",
                        "waiting_customer",
                        "resolved",
                        "closed",
                    ]
                ),
                name="%(app_label)s_%(class)s_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at=None)),
                name="%(app_label)s_%(class)s_closed_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="closed")
                | Q(state="resolved", resolved_at__isnull=False)
                | (~Q(state="resolved") & Q(resolved_at=None)),
                name="%(app_label)s_%(class)s_resolved_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.subject}"

    @property
    def is_ongoing(self) -> bool:
        """Tell whether it is neither resolved nor closed."""
        return self.state in _ONGOING

    @property
    def waits_for_seller(self) -> bool:
        """Tell whether the customer waits for an answer."""
        return self.state in _WAITING

    @property
    def is_overdue(self) -> bool:
        """Tell whether the promised time has passed without an answer."""
        return self.waits_for_seller and self.due_at is not None and self.due_at < timezone.now()


class SupportMessageQuerySet(GuardedQuerySet[M]):
    """Questions about messages."""

    def public(self) -> Self:
        """Keep what the customer may read: no internal notes."""
        return self.filter(internal=False)


class AbstractSupportMessage(GuardedModel):
    """What somebody wrote: plain text, shown as such. An internal note is not for the customer."""

    guard = Guard(
        owner="support.flows",
        insert="call support.flows.reply(request, author=…, body=…) or add_note(…) instead.",
        delete=_KEPT,
        update="what was written stays as it was: call support.flows.reply(…) for more.",
        testing=_TESTING + "open_request(user, product)",
        columns=frozenset({"request", "author", "body", "internal", "at", "key"}),
    )

    request = models.ForeignKey(
        settings.DIGITALSTORE_SUPPORT_REQUEST_MODEL,
        on_delete=models.PROTECT,
        related_name="messages",
        verbose_name=_("request"),
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("author"),
    )
    body = models.TextField(_("text"))
    internal = models.BooleanField(
        _("internal note"), default=False, help_text=_("The customer never sees it.")
    )
    at = models.DateTimeField(_("at"))
    key = models.CharField(max_length=64, default=new_payment_key, editable=False)

    objects = GuardedManager.from_queryset(SupportMessageQuerySet)()

    if TYPE_CHECKING:
        attachments: RelatedManager[Any]

    class Meta:
        abstract = True
        verbose_name = _("support message")
        verbose_name_plural = _("support messages")
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["author", "at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "key"], name="%(app_label)s_%(class)s_one_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.body[:40]}"


class AbstractSupportAttachment(GuardedModel):
    """A file of a message, in the private storage. ``name`` is what people see."""

    guard = Guard(
        owner="support.flows",
        insert="call support.flows.reply(request, author=…, body=…, files=[…]) instead.",
        delete=_KEPT,
        update="what was sent stays as it was: call support.flows.reply(…) for more.",
        testing=_TESTING + "open_request(user, product, files=[…])",
        columns=frozenset({"message", "name", "file", "size", "sha256", "position"}),
    )

    message = models.ForeignKey(
        settings.DIGITALSTORE_SUPPORT_MESSAGE_MODEL,
        on_delete=models.PROTECT,
        related_name="attachments",
        verbose_name=_("message"),
    )
    name = models.CharField(_("file name"), max_length=150, validators=[validate_file_name])
    file = AttachmentFileField(
        _("file"), storage=private_storage, upload_to=attachment_path, max_length=255
    )
    size = models.PositiveBigIntegerField(_("size in bytes"), editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, editable=False)
    position = models.PositiveIntegerField(_("position"), default=0)

    objects = GuardedManager()

    class Meta:
        abstract = True
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name
