"""The admin's switch: closes and opens the site, makes preview links, and asks for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.admin import (
    Outcome,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonedActionsMixin,
)

from . import flows
from .flag import status_of
from .forms import CloseForm, PreviewLinkForm, ScheduleForm, SwitchForm
from .models import SiteStatus, SiteStatusChange
from .preview import make_preview_link

__all__ = ["SiteStatusAdmin", "SiteStatusChangeAdmin"]


def _close(row: SiteStatus, *, until: datetime | None, **given: Any) -> Outcome:
    return Outcome(_("It is closed."), logged_at=flows.switch_on(until=until, **given))


def _open(row: SiteStatus, **given: Any) -> Outcome:
    return Outcome(_("It is open."), logged_at=flows.switch_off(**given))


def _schedule(row: SiteStatus, **given: Any) -> Outcome:
    changed = flows.schedule(**given)
    return Outcome(
        _("It closes at %(time)s.") % {"time": _said(changed.starts_at)}, logged_at=changed
    )


def _revoke(row: SiteStatus, **given: Any) -> Outcome:
    return Outcome(
        _("Links that were made before let nobody in."),
        logged_at=flows.revoke_preview_links(**given),
    )


def _make_link(row: SiteStatus, *, age: timedelta, actor: Any, reason: str) -> Outcome:
    link = make_preview_link(age=age)
    text = _("Whoever has this link comes in until %(time)s: %(link)s")
    return Outcome(text % {"time": _said(link.ends_at), "link": link.url})


def _said(moment: datetime | None) -> str:
    assert moment is not None
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


@admin.register(SiteStatus)
class SiteStatusAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """Whether the site is closed, and the buttons that change it."""

    list_display = ("shown_state", "starts_at", "ends_at", "changed_at", "changed_by", "reason")
    list_display_links = None
    fields = (
        "shown_state",
        "starts_at",
        "ends_at",
        "message",
        "changed_at",
        "changed_by",
        "reason",
    )
    list_select_related = ("changed_by",)
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "close": ReasonedAction(
            title=gettext_lazy("Close the site now"),
            explanation=gettext_lazy(
                "Visitors get a page that says so, within two seconds. Staff, webhooks, the admin, "
                "logging in and, where the settings say so, the library stay open."
            ),
            run=_close,
            target_form=CloseForm,
            takes_rows=False,
            is_destructive=True,
        ),
        "open": ReasonedAction(
            title=gettext_lazy("Open the site"),
            explanation=gettext_lazy("Everybody sees it again. A schedule is dropped."),
            run=_open,
            target_form=SwitchForm,
            takes_rows=False,
        ),
        "schedule": ReasonedAction(
            title=gettext_lazy("Close the site later"),
            explanation=gettext_lazy(
                "It closes and opens by itself at these times. Where it is closed now, it is open "
                "until then."
            ),
            run=_schedule,
            target_form=ScheduleForm,
            takes_rows=False,
        ),
        "preview-link": ReasonedAction(
            title=gettext_lazy("Make a preview link"),
            explanation=gettext_lazy(
                "Whoever has the link uses the closed site as if it were open, without logging in."
            ),
            run=_make_link,
            target_form=PreviewLinkForm,
            takes_rows=False,
        ),
        "revoke-links": ReasonedAction(
            title=gettext_lazy("Revoke all preview links"),
            explanation=gettext_lazy("Links that were made before let nobody in any more."),
            run=_revoke,
            target_form=SwitchForm,
            takes_rows=False,
            is_destructive=True,
        ),
    }

    @admin.display(description=gettext_lazy("now"))
    def shown_state(self, row: SiteStatus) -> str:
        """Say it in one word."""
        if status_of(row).is_closed_at(timezone.now().timestamp()):
            return _("closed")
        return _("open")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # There is one row, so its page has the buttons of the list.
        context = {"reasoned_tools": self._tools(request), **(extra_context or {})}
        return admin.ModelAdmin.change_view(self, request, object_id, form_url, context)


@admin.register(SiteStatusChange)
class SiteStatusChangeAdmin(ReadOnlyAdmin):
    """Who closed and opened the site, when and why."""

    list_display = ("changed_at", "change", "changed_by", "reason", "starts_at", "ends_at")
    list_filter = ("change",)
    list_select_related = ("changed_by",)
    fields = ("change", "starts_at", "ends_at", "message", "reason", "changed_at", "changed_by")
