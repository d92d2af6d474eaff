"""The admin of the background work: what waits to be sent, and when each job last ran."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from . import outbox
from .models import JobRun, OutboxMessage, OutboxState
from .paginator import CountlessPaginator

__all__ = ["JobRunAdmin", "OutboxMessageAdmin", "ReadOnlyAdmin"]


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that the suite writes; nobody adds, changes or deletes them by hand."""

    paginator = CountlessPaginator
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the form shows everything read-only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """E-mails and provider calls that follow from a change, and what became of them."""

    actions = ["requeue"]
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

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        """Ask for Django's own permission to change messages, which opens nothing else."""
        return request.user.has_perm("digitalstore_core.change_outboxmessage")

    @admin.action(permissions=["requeue"], description=gettext_lazy("Try again what was given up"))
    def requeue(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        """Make messages that were given up due again; one LogEntry for each."""
        if not self.has_requeue_permission(request):
            raise PermissionDenied
        given_up = list(queryset.filter(state=OutboxState.FAILED))
        queued = outbox.requeue(message.pk for message in given_up)
        if given_up:
            assert request.user.pk is not None
            LogEntry.objects.log_actions(
                request.user.pk, given_up, CHANGE, _("Put back into the outbox.")
            )
        if queued:
            text = ngettext(
                "%(count)d message will be sent again.",
                "%(count)d messages will be sent again.",
                queued,
            ) % {"count": queued}
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(
                request,
                _("None of these was given up: the others are sent, or will be by themselves."),
                messages.WARNING,
            )


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    """When each periodic job last ran, and how that ended."""

    list_display = ("name", "last_started_at", "last_finished_at", "last_error", "locked_until")
    fields = list_display
