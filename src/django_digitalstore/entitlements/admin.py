"""Admin of access: staff grant, revoke and restore by the flows, always with a reason.

Nothing is edited in a form: rows of access and of the ledger are read-only, and what a person does
is one of three verbs, each with its own permission and a ``LogEntry`` in the same transaction. The
entry belongs to the newest line of the ledger, which stays when the row of access goes. No page
here needs a cache or a provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AdminSplitDateTime, ForeignKeyRawIdWidget
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.flow import retry_transaction
from django_digitalstore.core.paginator import CountlessPaginator

from . import flows, get_grant_model, get_purchased_product_model
from .exceptions import AccessWithheld, InvalidGrant
from .sources import Source

__all__ = ["AbstractDownloadAdmin", "AbstractGrantAdmin", "AbstractPurchasedProductAdmin"]

#: The source of what staff grant: one grant per user and product, whoever grants it.
BY_STAFF = Source("manual")


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that staff do to a user's access. ``permission`` is one of the purchases' model."""

    name: str
    label: Any
    permission: str
    explanation: Any
    run: Callable[..., Any]
    done: Any
    is_destructive: bool = False


def _grant(user: Any, product: Any, *, actor: Any, reason: str, expires_at: Any = None) -> Any:
    return flows.grant_product(
        user, product, source=BY_STAFF, actor=actor, reason=reason, expires_at=expires_at
    )


def _revoke(user: Any, product: Any, *, actor: Any, reason: str) -> Any:
    return flows.revoke_product(user, product, actor=actor, reason=reason)


def _restore(user: Any, product: Any, *, actor: Any, reason: str) -> Any:
    return flows.restore_product(user, product, actor=actor, reason=reason)


GRANT = Verb(
    "grant",
    gettext_lazy("Grant access"),
    "grant_access",
    gettext_lazy("Gives the product to the user, without an order."),
    _grant,
    gettext_lazy("Granted “%(product)s” to %(user)s"),
)
REVOKE = Verb(
    "revoke",
    gettext_lazy("Revoke access"),
    "revoke_access",
    gettext_lazy(
        "Ends everything that gives access, and keeps it ended: the user can neither buy nor be "
        "granted the product until access is restored. Money is not refunded by this."
    ),
    _revoke,
    gettext_lazy("Revoked “%(product)s” of %(user)s"),
    is_destructive=True,
)
RESTORE = Verb(
    "restore",
    gettext_lazy("Restore access"),
    "restore_access",
    gettext_lazy(
        "Lifts a revocation. What it ended stands again, unless it was refunded or has run out "
        "meanwhile."
    ),
    _restore,
    gettext_lazy("Restored “%(product)s” of %(user)s"),
)
VERBS = {verb.name: verb for verb in (GRANT, REVOKE, RESTORE)}


class ReasonForm(forms.Form):
    """Asks why. Nothing is granted, revoked or restored without a reason."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Kept in the ledger and in the log; the user does not see it."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


class AccessForm(ReasonForm):
    """Asks whose access to what, and why."""

    field_order = ["user", "product", "expires_at", "reason"]

    def __init__(self, *args: Any, admin_site: admin.AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("user", "product"):
            field: Any = get_purchased_product_model()._meta.get_field(name)
            self.fields[name] = forms.ModelChoiceField(
                label=str(field.verbose_name).capitalize(),
                queryset=field.related_model._default_manager.all(),
                # Never a drop-down of all users.
                widget=ForeignKeyRawIdWidget(field.remote_field, admin_site),
            )
        self.order_fields(self.field_order)


class GrantForm(AccessForm):
    """Asks also until when."""

    expires_at = forms.SplitDateTimeField(
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("Empty: for ever."),
        required=False,
        widget=AdminSplitDateTime,
    )

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError(_("This is past. Give a time to come, or none."))
        return expires_at


class _ReadOnlyAdmin(admin.ModelAdmin):
    """Lists of large tables that only flows write: no form, no count, no deletion."""

    paginator = CountlessPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: rows are added by flows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: who may view sees everything read-only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no, which removes *delete selected* too."""
        return False

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Search by the name that users log in with, and by product. Hook."""
        named = f"user__{get_user_model().USERNAME_FIELD}"
        return [named, "product__title", "product__slug"]


class _AccessAdmin(_ReadOnlyAdmin):
    """Adds the verbs: as actions on rows that have ``user`` and ``product``, and as links."""

    def _may(self, request: HttpRequest, verb: Verb) -> bool:
        label = get_purchased_product_model()._meta.app_label
        return request.user.has_perm(f"{label}.{verb.permission}")

    def has_grant_access_permission(self, request: HttpRequest) -> bool:
        """Tell whether staff may grant."""
        return self._may(request, GRANT)

    def has_revoke_access_permission(self, request: HttpRequest) -> bool:
        """Tell whether staff may revoke."""
        return self._may(request, REVOKE)

    def has_restore_access_permission(self, request: HttpRequest) -> bool:
        """Tell whether staff may restore."""
        return self._may(request, RESTORE)

    @admin.action(permissions=["revoke_access"], description=gettext_lazy("Revoke access…"))
    def revoke_access(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Ask for a reason, then revoke each selected (user, product)."""
        return self._act(request, queryset, REVOKE, "revoke_access")

    @admin.action(permissions=["restore_access"], description=gettext_lazy("Restore access…"))
    def restore_access(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Ask for a reason, then restore each selected (user, product)."""
        return self._act(request, queryset, RESTORE, "restore_access")

    def _act(
        self, request: HttpRequest, queryset: QuerySet, verb: Verb, action: str
    ) -> HttpResponse | None:
        rows = queryset.select_related("user", "product").order_by("user_id", "product_id")
        pairs = list(
            {(row.user_id, row.product_id): (row.user, row.product) for row in rows}.values()
        )
        asked = "reason" in request.POST
        form = ReasonForm(request.POST if asked else None)
        if asked and form.is_valid():
            for pair in pairs:
                self._perform(request, verb, *pair, **form.cleaned_data)
            return None
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        hidden = [(ACTION_CHECKBOX_NAME, pk) for pk in selected] + [("action", action)]
        if request.POST.get("select_across") == "1":
            hidden.append(("select_across", "1"))
        return self._page(request, verb, form, pairs=pairs, hidden=hidden)

    def _perform(
        self, request: HttpRequest, verb: Verb, user: Any, product: Any, **arguments: Any
    ) -> bool:
        """Run the flow and write the log entry in one transaction; return whether it was done.

        The person is told what refused, and that a restore brought nothing back.
        """
        names = {"product": product, "user": user}

        def write() -> tuple[Any, Any]:
            answer = verb.run(user, product, actor=request.user, **arguments)
            ledger = get_grant_model().objects.filter(user=user, product=product)
            newest = ledger.order_by("pk").last()
            if newest is not None:
                self.log_change(request, newest, f"{verb.done % names}: {arguments['reason']}")
            return answer, newest

        try:
            answer, newest = retry_transaction(write)
        except AccessWithheld:
            refusal = _(
                "“%(product)s” is withheld from %(user)s by a person. Restore access, then grant."
            )
            self.message_user(request, refusal % names, messages.ERROR)
            return False
        except InvalidGrant as error:
            self.message_user(request, str(error), messages.ERROR)
            return False
        if newest is None:
            refusal = _("%(user)s never had, and was never denied, “%(product)s”.")
            self.message_user(request, refusal % names, messages.ERROR)
            return False
        if answer is None:
            warning = _(
                "%(user)s may have “%(product)s” again, but nothing gives it now: grant it, or let "
                "them buy."
            )
            self.message_user(request, warning % names, messages.WARNING)
        else:
            self.message_user(request, f"{verb.done % names}.", messages.SUCCESS)
        return True

    def _page(
        self, request: HttpRequest, verb: Verb, form: forms.Form, **context: Any
    ) -> TemplateResponse:
        return TemplateResponse(
            request,
            "digitalstore/entitlements/admin/access_form.html",
            {
                **self.admin_site.each_context(request),
                "title": verb.label,
                "opts": self.opts,
                "verb": verb,
                "form": form,
                "media": self.media + form.media,
                **context,
            },
        )

    def _verb_links(
        self, request: HttpRequest, verbs: Iterable[Verb], row: Any = None
    ) -> list[tuple[Any, str]]:
        """Return (label, URL) of what this person may do; empty where the page isn't registered."""
        options = get_purchased_product_model()._meta
        query = f"?{urlencode({'user': row.user_id, 'product': row.product_id})}" if row else ""
        try:
            return [
                (
                    verb.label,
                    reverse(
                        f"admin:{options.app_label}_{options.model_name}_{verb.name}",
                        current_app=self.admin_site.name,
                    )
                    + query,
                )
                for verb in verbs
                if self._may(request, verb)
            ]
        except NoReverseMatch:
            return []

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        links = self._verb_links(request, (REVOKE, RESTORE), row) if row is not None else []
        return super().change_view(
            request, object_id, form_url, {"verb_links": links, **(extra_context or {})}
        )

    change_form_template = "digitalstore/entitlements/admin/change_form.html"


class AbstractPurchasedProductAdmin(_AccessAdmin):
    """Who owns what now. Grant, revoke and restore need a permission each, and a reason."""

    list_display = ("user", "product", "granted_at", "expires_at", "is_live")
    list_select_related = ("user", "product")
    ordering = ("-pk",)
    fields = ("user", "product", "granted_at", "expires_at", "why")
    readonly_fields = ("why",)
    actions = ["revoke_access"]
    change_list_template = "digitalstore/entitlements/admin/change_list.html"

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

    def get_urls(self) -> list[URLPattern]:
        """Add ``grant/``, ``revoke/`` and ``restore/``, which take ``?user=…&product=…``."""
        own = [
            path(
                f"{verb.name}/",
                self.admin_site.admin_view(self.access_view),
                {"verb_name": verb.name},
                name=f"{self.opts.app_label}_{self.opts.model_name}_{verb.name}",
            )
            for verb in VERBS.values()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        links = self._verb_links(request, VERBS.values())
        return super().changelist_view(request, {"verb_links": links, **(extra_context or {})})

    def access_view(self, request: HttpRequest, verb_name: str) -> HttpResponse:
        """Ask whose access to what and why, and do it. GET shows the form, POST acts.

        Works for a user without a row of access: blocking beforehand, and restoring.
        """
        verb = VERBS[verb_name]
        if not self._may(request, verb):
            raise PermissionDenied
        form_class = GrantForm if verb is GRANT else AccessForm
        form = form_class(
            request.POST if request.method == "POST" else None,
            initial={key: request.GET[key] for key in ("user", "product") if key in request.GET},
            admin_site=self.admin_site,
        )
        if request.method == "POST" and form.is_valid():
            given = dict(form.cleaned_data)
            user, product = given.pop("user"), given.pop("product")
            if self._perform(request, verb, user, product, **given):
                return HttpResponseRedirect(
                    reverse(
                        f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
                        current_app=self.admin_site.name,
                    )
                )
        return self._page(request, verb, form)


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
    list_select_related = ("user", "product")
    list_filter = ("effect", "ended_kind")
    ordering = ("-pk",)
    actions = ["revoke_access", "restore_access"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Find also by the source's reference: an order's number. Hook."""
        return [*super().get_search_fields(request), "source_reference"]


class AbstractDownloadAdmin(_ReadOnlyAdmin):
    """The download log, to read."""

    list_display = ("at", "user", "product", "file_name", "version", "outcome", "address")
    list_select_related = ("user", "product")
    list_filter = ("outcome",)
    ordering = ("-pk",)
