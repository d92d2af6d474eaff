"""Admin classes for the catalog's models, to be registered by the host with its own models.

What flows decide is read-only: a product is published and archived by actions, a file's size and
hash are computed. Lists never count a large table.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.admin import (
    CountlessAdmin,
    NothingDone,
    Outcome,
    ReasonedAction,
    ReasonedActionsMixin,
    ReasonForm,
)

from . import flows
from .choices import ReleaseState
from .fields import PrivateFileField
from .flows.rules import notes_problem
from .forms import AssetForm, PricedForm

__all__ = [
    "AbstractAssetInline",
    "AbstractCategoryAdmin",
    "AbstractProductAdmin",
    "AbstractReleaseAdmin",
    "ReleaseForm",
]


class AbstractCategoryAdmin(CountlessAdmin):
    """Categories of the site and of sellers."""

    list_display = ["name", "slug", "position", "seller"]
    list_select_related = ["seller"]
    search_fields = ["name", "slug"]
    raw_id_fields = ["seller"]
    prepopulated_fields = {"slug": ["name"]}


def _by(flow: Callable[..., Any]) -> Callable[..., Outcome]:
    """Return the action that runs ``flow`` on a product, and tells its new status."""

    def run(product: Any, *, actor: Any, reason: str) -> Outcome:
        # A copy, since the flow writes into what it gets, and may be run again.
        moved = flow(copy.copy(product), actor=actor)
        if moved.status == product.status:
            text = _("Nothing to do, the status is already “%(status)s”.")
            raise NothingDone(text % {"status": moved.get_status_display()})
        return Outcome(moved.get_status_display())

    return run


class AbstractProductAdmin(ReasonedActionsMixin, CountlessAdmin):
    """Products. Their status is changed by actions, which call the flows and are logged."""

    form = PricedForm
    list_display = [
        "title",
        "status",
        "price_as_people_write_it",
        "featured",
        "seller",
        "published_at",
    ]
    list_filter = ["status", "featured"]
    list_select_related = ["seller"]
    search_fields = ["title", "slug"]
    raw_id_fields = ["seller"]
    filter_horizontal = ["categories"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["status", "published_at", "created_at", "updated_at"]
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "publish": ReasonedAction(
            title=gettext_lazy("Publish"),
            explanation=gettext_lazy("Puts products on sale."),
            run=_by(flows.publish_product),
        ),
        "unpublish": ReasonedAction(
            title=gettext_lazy("Make a draft again"),
            explanation=gettext_lazy(
                "Takes products off the shop, to work on them. Who owns one keeps it."
            ),
            run=_by(flows.unpublish_product),
        ),
        "archive": ReasonedAction(
            title=gettext_lazy("Archive"),
            explanation=gettext_lazy(
                "Takes products off the shop for good. Who owns one keeps it."
            ),
            run=_by(flows.archive_product),
        ),
    }

    @admin.display(description=gettext_lazy("price"), ordering="price")
    def price_as_people_write_it(self, product: Any) -> str:
        """Show the price with its currency, in the reader's language."""
        return product.display_price


class AbstractAssetInline(admin.TabularInline):
    """The files of a release. The host's subclass names its model: ``model = Asset``.

    Only who may change files sees the upload: a sold file has no URL that could be shown instead.
    """

    form = AssetForm
    fields = [
        "name",
        "platform",
        "visibility",
        "file",
        "position",
        "state",
        "failure",
        "size",
        "sha256",
    ]
    readonly_fields = ["state", "failure", "size", "sha256"]
    extra = 1
    # Django's own widget links to the file.
    formfield_overrides = {PrivateFileField: {"widget": forms.FileInput}}

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those add files who may change them."""
        return super().has_add_permission(request, obj) and self.has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Leave the upload out for those who only look."""
        fields = list(super().get_fields(request, obj))
        if not self.has_change_permission(request, obj):
            fields = [name for name in fields if name != "file"]
        return fields


class ReleaseForm(forms.ModelForm):
    """A release in the admin: its words. Its dates are decided by actions."""

    def clean_version(self) -> str:
        """Take the spaces off that nobody sees."""
        return self.cleaned_data["version"].strip()

    def clean_notes(self) -> str:
        """Refuse what would be too long to be shown as Markdown."""
        notes = self.cleaned_data["notes"]
        problem = notes_problem(notes)
        if problem:
            raise ValidationError(problem)
        return notes


class YankForm(ReasonForm):
    """Asks what owners read, beside the reason that they don't."""

    yanked_reason = forms.CharField(
        label=gettext_lazy("What owners read"),
        help_text=gettext_lazy("Why you withdraw it, for those who ask for one of its files."),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


def _release_by(flow: Callable[..., Any]) -> Callable[..., Outcome]:
    """Return the action that runs ``flow`` on a release, and tells its new state."""

    def run(release: Any, *, actor: Any, reason: str) -> Outcome:
        before = release.state
        # A copy, since the flow writes into what it gets, and may be run again.
        state = flow(copy.copy(release), actor=actor).state
        if state == before:
            text = _("Nothing to do, the state is already “%(state)s”.")
            raise NothingDone(text % {"state": state.label})
        return Outcome(state.label)

    return run


def _yank(release: Any, *, actor: Any, reason: str, yanked_reason: str) -> Outcome:
    if release.state == ReleaseState.YANKED:
        raise NothingDone(_("It is withdrawn already."))
    flows.yank_release(copy.copy(release), reason=yanked_reason, actor=actor)
    return Outcome(ReleaseState.YANKED.label)


class AbstractReleaseAdmin(ReasonedActionsMixin, CountlessAdmin):
    """Releases. Their dates are changed by actions, which call the flows and are logged.

    The host's subclass adds its files: ``inlines = [AssetInline]``.
    """

    form = ReleaseForm
    list_display = ["version", "product", "state_in_words", "published_at", "yanked_at"]
    list_select_related = ["product"]
    search_fields = ["version", "product__title", "product__slug"]
    raw_id_fields = ["product"]
    readonly_fields = ["published_at", "yanked_at", "yanked_reason", "notified_at", "created_at"]
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "publish": ReasonedAction(
            title=gettext_lazy("Publish"),
            explanation=gettext_lazy(
                "Gives releases to whoever owns their products, now. A scheduled one comes earlier."
            ),
            run=_release_by(flows.publish_release),
            applies_to=lambda release: release.state in {"draft", "scheduled"},
        ),
        "unschedule": ReasonedAction(
            title=gettext_lazy("Make a draft again"),
            explanation=gettext_lazy("Takes back the date of releases that nobody sees yet."),
            run=_release_by(flows.unschedule_release),
            applies_to=lambda release: release.state == "scheduled",
        ),
        "yank": ReasonedAction(
            title=gettext_lazy("Withdraw"),
            explanation=gettext_lazy(
                "Hides a release from everybody. Who owns the product keeps it, with its other "
                "releases."
            ),
            run=_yank,
            row_form=YankForm,
            applies_to=lambda release: release.state == "published",
        ),
        "unyank": ReasonedAction(
            title=gettext_lazy("Bring back"),
            explanation=gettext_lazy("Shows withdrawn releases to owners again."),
            run=_release_by(flows.unyank_release),
            applies_to=lambda release: release.state == "yanked",
        ),
    }

    @admin.display(description=gettext_lazy("state"))
    def state_in_words(self, release: Any) -> str:
        """Show where it stands now: by its dates, so it is no column to sort by."""
        return str(release.state.label)
