"""Forms of the admin's switch: what is asked beside the reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.admin import DateAndTime, ReasonForm

from .models import LONGEST_MESSAGE, ONLY, SiteStatus

__all__ = ["CloseForm", "PreviewLinkForm", "ScheduleForm", "SwitchForm"]


class SwitchForm(ReasonForm):
    """Asks why alone."""

    def get_target(self) -> SiteStatus:
        """Return the one row, or what it would be."""
        return SiteStatus.objects.filter(pk=ONLY).first() or SiteStatus()


class _ClosureForm(SwitchForm):
    message = forms.CharField(
        label=_("Message to visitors"),
        help_text=_("Shown on the page, beside what it says anyway. May be left empty."),
        max_length=LONGEST_MESSAGE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


class CloseForm(_ClosureForm):
    """Asks until when, and what visitors are told."""

    until = forms.SplitDateTimeField(
        label=_("Opens again at"),
        help_text=_("By itself. Left empty, it stays closed until somebody opens it."),
        required=False,
        widget=DateAndTime,
    )
    field_order = ("until", "message", "reason")


class ScheduleForm(_ClosureForm):
    """Asks from when on, until when, and what visitors are told."""

    starts_at = forms.SplitDateTimeField(label=_("Closes at"), widget=DateAndTime)
    ends_at = forms.SplitDateTimeField(
        label=_("Opens again at"),
        help_text=_("By itself. Left empty, it stays closed until somebody opens it."),
        required=False,
        widget=DateAndTime,
    )
    field_order = ("starts_at", "ends_at", "message", "reason")


def _days() -> int:
    return max(1, settings.DIGITALSTORE_UNDERCONSTRUCTION_PREVIEW_AGE // timedelta(days=1))


class PreviewLinkForm(SwitchForm):
    """Asks for how long."""

    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=365, initial=_days)

    def clean(self) -> dict[str, Any] | None:
        """Turn the days into an age."""
        cleaned = super().clean() or self.cleaned_data
        if "days" in cleaned:
            cleaned["age"] = timedelta(days=cleaned.pop("days"))
        return cleaned
