"""Admin of access: staff grant, revoke and restore by the flows, always with a reason.

Nothing is edited in a form: rows of access and of the ledger are read-only, and what a person does
is one of three reasoned actions, each with a permission of its own and a ``LogEntry`` in the same
transaction. The entry belongs to the newest line of the ledger, which stays when the row of access
goes. No page here needs a cache or a provider.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.admin import (
    DateAndTime,
    NothingDone,
    Outcome,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonedActionsMixin,
    ReasonForm,
)
from django_digitalstore.core.exceptions import DigitalStoreError

from . import flows, get_grant_model, get_purchased_product_model
from .exceptions import AccessWithheld
from .models import ReleaseNoticeOptOut
from .sources import Source
from .views.notices import told_text

__all__ = [
    "NOTIFY_OWNERS",
    "AbstractDownloadAdmin",
    "AbstractGrantAdmin",
    "AbstractPurchasedProductAdmin",
    "ReleaseNoticeOptOutAdmin",
]

#: The source of what staff grant: one grant per user and product, whoever grants it.
BY_STAFF = Source("manual")


@dataclass(frozen=True, slots=True)
class Access:
    """Whose access to what: there need not be a row of it."""

    user: Any
    product: Any

    def __str__(self) -> str:
        return f"{self.user} – {self.product}"


class AccessForm(ReasonForm):
    """Asks whose access to what, and why."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("user", "product"):
            field: Any = get_purchased_product_model()._meta.get_field(name)
            self.fields[name] = forms.ModelChoiceField(
                label=str(field.verbose_name).capitalize(),
                queryset=field.related_model._default_manager.all(),
                # Never a drop-down of all users.
                widget=ForeignKeyRawIdWidget(field.remote_field, self.admin_site),
            )
        self.order_fields(["user", "product", "expires_at", "reason"])

    def get_target(self) -> Access:
        """Return the user and the product."""
        return Access(self.cleaned_data.pop("user"), self.cleaned_data.pop("product"))


class GrantForm(AccessForm):
    """Asks also until when."""

    expires_at = forms.SplitDateTimeField(
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("Empty: for ever."),
        required=False,
        widget=DateAndTime,
    )

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError(_("This is past. Give a time to come, or none."))
        return expires_at


def _grant(access: Access, *, actor: Any, reason: str, expires_at: Any) -> Outcome:
    try:
        flows.grant_product(
            access.user,
            access.product,
            source=BY_STAFF,
            actor=actor,
            reason=reason,
            expires_at=expires_at,
        )
    except AccessWithheld:
        raise DigitalStoreError(
            _("A person withholds it from this user. Restore access, then grant.")
        ) from None
    return Outcome(_("Access is granted."), logged_at=_newest_line(access))


def _revoke(access: Access, *, actor: Any, reason: str) -> Outcome:
    flows.revoke_product(access.user, access.product, actor=actor, reason=reason)
    return Outcome(_("Access is revoked."), logged_at=_newest_line(access))


def _restore(access: Access, *, actor: Any, reason: str) -> Outcome:
    row = flows.restore_product(access.user, access.product, actor=actor, reason=reason)
    line = _newest_line(access)
    if line is None:
        raise NothingDone(_("There was never any access, and none was ever denied."))
    if row is None:
        text = _("Nothing gives access now, though it may be had again: grant it, or let them buy.")
        return Outcome(text, messages.WARNING, line)
    return Outcome(_("Access is restored."), logged_at=line)


def _newest_line(access: Access) -> Any:
    ledger = get_grant_model().objects.filter(user=access.user, product=access.product)
    return ledger.order_by("pk").last()


GRANT = ReasonedAction(
    title=gettext_lazy("Grant access"),
    explanation=gettext_lazy("Gives the product to the user, without an order."),
    run=_grant,
    permission="grant_access",
    target_form=GrantForm,
    takes_rows=False,
)
REVOKE = ReasonedAction(
    title=gettext_lazy("Revoke access"),
    explanation=gettext_lazy(
        "Ends everything that gives access, and keeps it ended: the user can neither buy nor be "
        "granted the product until access is restored. Money is not refunded by this."
    ),
    run=_revoke,
    permission="revoke_access",
    is_destructive=True,
    target_form=AccessForm,
)
RESTORE = ReasonedAction(
    title=gettext_lazy("Restore access"),
    explanation=gettext_lazy(
        "Lifts a revocation. What it ended stands again, unless it was refunded or has run out "
        "meanwhile."
    ),
    run=_restore,
    permission="restore_access",
    target_form=AccessForm,
)


def _reset(access: Access, *, actor: Any, reason: str) -> Outcome:
    line = flows.reset_downloads(access.user, access.product, actor=actor, reason=reason)
    if line is None:
        raise NothingDone(_("No download was counted: nothing to reset."))
    return Outcome(_("Downloads count from nothing again."), logged_at=line)


RESET = ReasonedAction(
    title=gettext_lazy("Reset downloads"),
    explanation=gettext_lazy(
        "Where a product has a limit of downloads: the user has all of them again."
    ),
    run=_reset,
)


def _notify_owners(release: Any, *, actor: Any, reason: str) -> Outcome:
    # A copy, since the flow writes into what it gets, and may be run again.
    told = flows.notify_owners(copy.copy(release), actor=actor)
    if told is None:
        raise NothingDone(told_text(release, told))
    return Outcome(told_text(release, told))


#: For the host's admin of releases:
#: ``reasoned_actions = {**AbstractReleaseAdmin.reasoned_actions, "notify_owners": NOTIFY_OWNERS}``.
NOTIFY_OWNERS = ReasonedAction(
    title=gettext_lazy("Tell owners by e-mail"),
    explanation=gettext_lazy(
        "Tells everybody who owns the product and has not unsubscribed, once. Releases that owners "
        "don't see are left out."
    ),
    run=_notify_owners,
    applies_to=lambda release: release.is_available and release.notified_at is None,
)


class _SearchedByOwner(ReadOnlyAdmin):
    list_select_related = ("user", "product")
    ordering = ("-pk",)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Search by the name that users log in with, and by product. Hook."""
        named = f"user__{get_user_model().USERNAME_FIELD}"
        return [named, "product__title", "product__slug"]


class _AccessAdmin(ReasonedActionsMixin, _SearchedByOwner):
    """Rows that have ``user`` and ``product``: the actions are about these, each pair once."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "grant": GRANT,
        "revoke": REVOKE,
        "restore": RESTORE,
    }

    def may_do(self, request: HttpRequest, action: ReasonedAction) -> bool:
        """Ask for the permissions of the purchases' model, on every page."""
        label = get_purchased_product_model()._meta.app_label
        return bool(request.user.has_perm(f"{label}.{action.permission}"))

    def get_reasoned_targets(self, rows: list[Any]) -> list[Any]:
        """Return each user and product once."""
        return list(dict.fromkeys(Access(row.user, row.product) for row in rows))


class AbstractPurchasedProductAdmin(_AccessAdmin):
    """Who owns what now. Grant, revoke and restore need a permission each, and a reason."""

    list_display = ("user", "product", "granted_at", "expires_at", "is_live")
    fields = ("user", "product", "granted_at", "expires_at", "why")
    readonly_fields = ("why",)

    @admin.display(boolean=True, description=gettext_lazy("gives access"))
    def is_live(self, obj: Any) -> bool:
        """Tell whether the row still gives access."""
        return obj.is_live

    @admin.display(description=gettext_lazy("why"))
    def why(self, obj: Any) -> str:
        """Show the ledger of this user and product, newest first."""
        grants = get_grant_model().objects.filter(user_id=obj.user_id, product_id=obj.product_id)
        return format_html(
            "<ul>{}</ul>",
            format_html_join(
                "",
                "<li>{} · {} · {}{}{}</li>",
                (
                    (
                        f"{grant.granted_at:%Y-%m-%d %H:%M}",
                        grant.get_effect_display(),
                        str(Source(grant.source_kind, grant.source_reference)),
                        f" · {grant.reason}" if grant.reason else "",
                        f" — {grant.get_ended_kind_display()}: {grant.ended_reason}"
                        if grant.ended_at
                        else "",
                    )
                    for grant in grants.order_by("-pk")[:100]
                ),
            ),
        )


class AbstractGrantAdmin(_AccessAdmin):
    """The ledger, to read: why somebody has, or is denied, access. Its actions act on the pair."""

    list_display = (
        "user",
        "product",
        "effect",
        "source_kind",
        "source_reference",
        "granted_at",
        "expires_at",
        "ended_at",
        "ended_kind",
    )
    list_filter = ("effect", "ended_kind")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Find also by the source's reference: an order's number. Hook."""
        return [*super().get_search_fields(request), "source_reference"]


class AbstractDownloadAdmin(ReasonedActionsMixin, _SearchedByOwner):
    """The download log, to read. Its action lets the downloads of a purchase count anew."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {"reset": RESET}
    list_display = (
        "at",
        "user",
        "product",
        "file_name",
        "version",
        "outcome",
        "get_code_display",
        "address",
    )
    list_filter = ("outcome", "code")

    def get_reasoned_targets(self, rows: list[Any]) -> list[Any]:
        """Return each user and product once."""
        return list(dict.fromkeys(Access(row.user, row.product) for row in rows))


@admin.register(ReleaseNoticeOptOut)
class ReleaseNoticeOptOutAdmin(ReadOnlyAdmin):
    """Who wants no e-mails about releases, to read: people ask why they got none."""

    list_display = ("user", "product_key", "created_at")
    list_select_related = ("user",)
    fields = list_display

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Search by the name that users log in with. Hook."""
        return [f"user__{get_user_model().USERNAME_FIELD}"]
