"""What the suite's admin classes share, and the admin of the background work.

``ReadOnlyAdmin`` shows rows that only flows write. ``ReasonedActionsMixin`` is the one way in which
staff do something here: a page that asks for a reason, a permission, a flow, a ``LogEntry``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import outbox
from .exceptions import DigitalStoreError
from .flow import retry_transaction
from .models import JobRun, OutboxMessage
from .paginator import CountlessPaginator

__all__ = [
    "CountlessAdmin",
    "DateAndTime",
    "JobRunAdmin",
    "NothingDone",
    "OutboxMessageAdmin",
    "Outcome",
    "ReadOnlyAdmin",
    "ReasonForm",
    "ReasonedAction",
    "ReasonedActionsMixin",
]

#: Rows that one action works on: each may take a call to a provider.
MOST_AT_ONCE = 100


class CountlessAdmin(admin.ModelAdmin):
    """Lists large tables without counting them."""

    paginator = CountlessPaginator
    show_full_result_count = False


class ReadOnlyAdmin(CountlessAdmin):
    """Shows rows that the suite writes; nobody adds, changes or deletes them by hand."""

    list_per_page = 50
    list_max_show_all = 200

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the form shows everything read-only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no, which removes *delete selected* too."""
        return False


class DateAndTime(AdminSplitDateTime):
    """Django's two fields of a moment, each with a name: before Django 6 they have no labels."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        labels = (context["date_label"], context["time_label"])
        for widget, label in zip(context["widget"]["subwidgets"], labels, strict=True):
            widget["attrs"]["aria-label"] = label
        return context


class ReasonForm(forms.Form):
    """Asks why. Nothing is done without a reason.

    A subclass that can also ask what the action is about, where no row was chosen, is an action's
    ``target_form``; it returns that by ``get_target()``. One that asks more about a chosen row is
    its ``row_form``. What else is asked goes to ``run`` by name.
    """

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Kept in the history; customers do not see it."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )

    def __init__(self, *args: Any, admin_site: admin.AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.admin_site = admin_site
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def get_target(self) -> Any:
        """Return what the action is about, and take it out of ``cleaned_data``."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_target().")


class NothingDone(DigitalStoreError):
    """An action found nothing to do for a row, and says why: a warning, and no log entry."""


class Outcome(NamedTuple):
    """What became of an action, in words."""

    text: Any
    level: int = messages.SUCCESS
    #: The row that the log entry belongs to, where that isn't the chosen one.
    logged_at: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonedAction:
    """Something that staff do to a row, for a reason.

    ``run(row, actor=…, reason=…)`` calls the flow and returns the ``Outcome``. It may raise any
    ``DigitalStoreError``, whose text is shown. It runs with its log entry in one transaction; where
    ``asks_provider``, it runs outside any, after the entry: whatever then happens, it is known
    who did it. ``permission`` is a codename of the model's app, or ``app_label.codename``; None is
    the model's own change permission.
    """

    title: Any
    explanation: Any
    run: Callable[..., Outcome]
    permission: str | None = None
    asks_provider: bool = False
    is_destructive: bool = False
    #: Asks for the target too, so that the action can be begun without a row.
    target_form: type[ReasonForm] | None = None
    #: False for an action that only its ``target_form`` begins.
    takes_rows: bool = True
    #: Asks more than why, about one row at a time: it is given as ``row``.
    row_form: type[ReasonForm] | None = None
    #: Tells whether a row's page shows the way to it. The flow itself refuses what it must.
    applies_to: Callable[[Any], bool] | None = None


class ReasonedActionsMixin(admin.ModelAdmin):
    """Gives each of ``reasoned_actions`` a page, ``do/<key>/``: GET asks why, POST acts."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {}
    change_form_template = "digitalstore/core/admin/change_form.html"
    change_list_template = "digitalstore/core/admin/change_list.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.reasoned_view)
        # Each action opens its own transaction, or none where it asks a provider.
        for alias in connections:
            transaction.non_atomic_requests(using=alias)(view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_reasoned"
        return [path("do/<slug:action>/", view, name=name), *super().get_urls()]

    def may_do(self, request: HttpRequest, action: ReasonedAction) -> bool:
        """Tell whether this user may do this. Hook."""
        codename = action.permission or f"change_{self.opts.model_name}"
        permission = codename if "." in codename else f"{self.opts.app_label}.{codename}"
        return bool(request.user.has_perm(permission))

    def get_reasoned_targets(self, rows: list[Any]) -> list[Any]:
        """Return what the actions get for the chosen rows: each row itself. Hook."""
        return rows

    def reasoned_url(self, action: str, pks: list[Any] | tuple[Any, ...] = ()) -> str:
        """Return the address of an action's page for these rows."""
        base = self._admin_url("reasoned", action)
        return f"{base}?{urlencode([('pk', pk) for pk in pks])}" if pks else base

    def _admin_url(self, page: str, *args: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def _tools(self, request: HttpRequest, *pks: Any) -> list[dict[str, Any]]:
        """Return the links of what this user may do: to a row, or to none yet."""
        actions = {
            key: action
            for key, action in self.reasoned_actions.items()
            if (action.takes_rows if pks else action.target_form) and self.may_do(request, action)
        }
        if pks and any(action.applies_to for action in actions.values()):
            row = self.get_object(request, pks[0])
            actions = {
                key: action
                for key, action in actions.items()
                if action.applies_to is None or (row is not None and action.applies_to(row))
            }
        return [
            {"url": self.reasoned_url(key, pks), "title": action.title}
            for key, action in actions.items()
        ]

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        # Django 6.1 asks for the actions of a row's page too, where ours are links already.
        if action_location is None:
            actions = super().get_actions(request)
        else:
            actions = super().get_actions(request, action_location)  # type: ignore[call-arg]
            if action_location.name != "CHANGE_LIST":
                return actions
        for key, action in self.reasoned_actions.items():
            if action.takes_rows and not action.row_form and self.may_do(request, action):
                actions[key] = (_go_to(key), key, action.title)  # type: ignore[assignment]
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"reasoned_tools": self._tools(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"reasoned_tools": self._tools(request, object_id), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def reasoned_view(self, request: HttpRequest, action: str) -> HttpResponse:
        """Ask for the reason (GET), or do it (POST): once for each row."""
        known = self.reasoned_actions.get(action)
        if known is None:
            raise Http404
        if not self.may_do(request, known):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        rows = self._chosen_rows(request, known, data.getlist("pk"))
        form_class = known.row_form or ReasonForm
        about: dict[str, Any] = {}
        if not rows and known.target_form is not None:
            form_class = known.target_form
        elif known.row_form is not None:
            if len(rows) != 1:
                raise Http404
            about = {"row": rows[0]}
        form = form_class(
            request.POST if request.method == "POST" else None,
            initial={key: request.GET[key] for key in request.GET if key != "reason"},
            admin_site=self.admin_site,
            **about,
        )
        targets = self.get_reasoned_targets(rows)
        if form.is_valid():
            given = form.cleaned_data
            acted = [
                self._do(request, known, target, **given)
                for target in (targets or [form.get_target()])
            ]
            if rows or all(acted):
                return HttpResponseRedirect(self._next_url(request, rows))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "action": known,
            "title": known.title,
            "rows": rows,
            "targets": targets,
            "form": form,
            "media": self.media + form.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "digitalstore/core/admin/reason.html", context)

    def _chosen_rows(
        self, request: HttpRequest, action: ReasonedAction, pks: list[str]
    ) -> list[Any]:
        """Return the rows; none where the action's form asks for its target. Raises ``Http404``."""
        if not pks and action.target_form is not None:
            return []
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = list(self.get_queryset(request).filter(pk__in=pks[:MOST_AT_ONCE]))
        except (ValueError, ValidationError, OverflowError):
            raise Http404 from None
        if not rows or not action.takes_rows:
            raise Http404
        return rows

    def _do(
        self,
        request: HttpRequest,
        action: ReasonedAction,
        target: Any,
        *,
        reason: str,
        **given: Any,
    ) -> bool:
        """Act on one target, log it, and tell what became of it; return whether it was done."""

        def log(row: Any) -> None:
            self.log_change(request, row, f"{action.title}: {reason}")

        def act() -> Outcome:
            return action.run(target, actor=request.user, reason=reason, **given)

        def act_and_log() -> Outcome:
            outcome = act()
            log(outcome.logged_at or target)
            return outcome

        name = str(target)  # before an action that deletes it
        try:
            if action.asks_provider:
                log(target)
                outcome = act()
            else:
                outcome = retry_transaction(act_and_log)
        except DigitalStoreError as error:
            level = messages.WARNING if isinstance(error, NothingDone) else messages.ERROR
            text = " ".join(getattr(error, "messages", [str(error)]))
            self.message_user(request, f"{name}: {text}", level)
            return False
        self.message_user(request, f"{name}: {outcome.text}", outcome.level)
        return True

    def _next_url(self, request: HttpRequest, rows: list[Any]) -> str:
        if len(rows) == 1 and self.get_queryset(request).filter(pk=rows[0].pk).exists():
            return self._admin_url("change", rows[0].pk)
        return self._admin_url("changelist")


def _go_to(key: str) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse]:
    def go(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        pks = list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(pks) > MOST_AT_ONCE:
            text = _("Choose at most %(number)d at once.") % {"number": MOST_AT_ONCE}
            modeladmin.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return HttpResponseRedirect(modeladmin.reasoned_url(key, pks))

    return go


def _requeue(message: OutboxMessage, *, actor: Any, reason: str) -> Outcome:
    if not outbox.requeue([message.pk]):
        raise NothingDone(_("It was not given up: it is sent, or will be by itself."))
    return Outcome(_("It will be sent again."))


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """E-mails and provider calls that follow from a change, and what became of them."""

    list_display = ("key", "kind", "state", "attempts", "next_try_at", "sent_at", "last_error")
    list_filter = ("state", "kind")
    search_fields = ("key",)
    search_help_text = gettext_lazy("The cause, as in “receipt:…”")
    # Not the payload: the text of an e-mail is between the store and its customer.
    fields = (
        "key",
        "kind",
        "state",
        "attempts",
        "created_at",
        "next_try_at",
        "claimed_until",
        "sent_at",
        "last_error",
    )
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "requeue": ReasonedAction(
            title=gettext_lazy("Try again what was given up"),
            explanation=gettext_lazy(
                "Makes messages that were given up due again. The others are sent, or will be by "
                "themselves."
            ),
            run=_requeue,
        ),
    }


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """When each periodic job last ran, and how that ended."""

    list_display = ("name", "last_started_at", "last_finished_at", "last_error", "locked_until")
    fields = list_display
