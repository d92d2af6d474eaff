"""Forms of the entitlements."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

__all__ = ["DownloadResetForm"]


class DownloadResetForm(forms.Form):
    """Asks a seller why somebody's downloads begin from nothing again."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Kept in the log; the buyer does not see it."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
