"""The seller's pages of a product's releases: versions, when they come out, and withdrawals.

A release is found through its product, and that by ``of_seller``: another's does not exist (404).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, ProtectedError, QuerySet, RestrictedError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.generic import CreateView, DeleteView, FormView, ListView, UpdateView
from django.views.generic.detail import SingleObjectMixin

from django_digitalstore.catalog import (
    flows,
    get_asset_model,
    get_release_model,
)
from django_digitalstore.catalog.choices import ReleaseState
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.forms import ReleasePublishForm, ReleaseYankForm
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView

from .pages import PagedMixin
from .panel import SellersFormPage, SellersReleases, SellersStep, ToReleases

__all__ = [
    "GenericReleaseCreateView",
    "GenericReleaseDeleteView",
    "GenericReleasePublishView",
    "GenericReleaseUnscheduleView",
    "GenericReleaseUnyankView",
    "GenericReleaseUpdateView",
    "GenericReleaseYankView",
    "GenericSellerReleaseListView",
]

_LIST = {"releases_url": ("get_releases_url", '"shop:seller_releases"')}
_RELEASE = {"update_url": ("get_update_url", '"shop:seller_release_update"')}
_STEPS = {
    "publish_url": ("get_publish_url", '"shop:seller_release_publish"'),
    "unschedule_url": ("get_unschedule_url", '"shop:seller_release_unschedule"'),
    "yank_url": ("get_yank_url", '"shop:seller_release_yank"'),
    "unyank_url": ("get_unyank_url", '"shop:seller_release_unyank"'),
    "delete_url": ("get_delete_url", '"shop:seller_release_delete"'),
}


class _ReleaseSteps:
    """The addresses of what can be done to a release."""

    needs: ClassVar[dict[str, tuple[str, str]]] = _STEPS
    publish_url: Any = None
    unschedule_url: Any = None
    yank_url: Any = None
    unyank_url: Any = None
    delete_url: Any = None
    #: URL name of the files of a release, by its key; None leaves the link out.
    files_url: Any = None
    #: More addresses of a release: name → URL name, for ``release_urls`` in the templates.
    more_urls: ClassVar[dict[str, str]] = {}

    def reverse_release(self, name: str, release: Any) -> str:
        """Return the address ``name`` of ``release``: it has the product's slug and the key. Hook.

        No query where the release has its product.
        """
        return reverse(name, kwargs={"slug": release.product.slug, "pk": release.pk})

    def get_publish_url(self, release: Any) -> str:
        """Return where ``release`` is published or scheduled. Hook."""
        return self.reverse_release(self.publish_url, release)

    def get_unschedule_url(self, release: Any) -> str:
        """Return where a scheduled ``release`` is made a draft again, by POST. Hook."""
        return self.reverse_release(self.unschedule_url, release)

    def get_yank_url(self, release: Any) -> str:
        """Return where ``release`` is withdrawn. Hook."""
        return self.reverse_release(self.yank_url, release)

    def get_unyank_url(self, release: Any) -> str:
        """Return where ``release`` is brought back, by POST. Hook."""
        return self.reverse_release(self.unyank_url, release)

    def get_delete_url(self, release: Any) -> str:
        """Return where a draft is deleted. Hook."""
        return self.reverse_release(self.delete_url, release)

    def get_files_url(self, release: Any) -> str:
        """Return where the files of ``release`` are added and taken away, or nothing. Hook."""
        return reverse(self.files_url, kwargs={"pk": release.pk}) if self.files_url else ""

    def get_release_urls(self, release: Any) -> dict[str, str]:
        """Return name → address of what can be done to ``release``, with ``more_urls``. Hook."""
        return {
            "publish": self.get_publish_url(release),
            "unschedule": self.get_unschedule_url(release),
            "yank": self.get_yank_url(release),
            "unyank": self.get_unyank_url(release),
            "delete": self.get_delete_url(release),
            "files": self.get_files_url(release),
            **{key: self.reverse_release(name, release) for key, name in self.more_urls.items()},
        }


class GenericSellerReleaseListView(
    _ReleaseSteps, GenericView, SellersReleases, PagedMixin, ListView
):
    """The releases of a product of the seller's in every state, the one made last first."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = {
        "products_url": ("get_back_url", '"shop:seller_products"'),
        "create_url": ("get_create_url", '"shop:seller_release_create"'),
        **_RELEASE,
    }
    page_template = "release_seller_list.html"
    context_object_name = "releases"
    products_url: Any = None
    create_url: Any = None
    update_url: Any = None

    def get_queryset(self) -> QuerySet:
        releases = super().get_queryset().annotate(file_count=Count("assets"))
        return releases.order_by("-created_at", "-pk")

    def get_paginate_by(self, queryset: Any) -> int:
        """Return ``DIGITALSTORE_RELEASES_PER_PAGE``. Hook."""
        return settings.DIGITALSTORE_RELEASES_PER_PAGE

    def get_back_url(self) -> str:
        """Return where the seller's products are. Hook."""
        return resolve_url(self.products_url)

    def get_create_url(self) -> str:
        """Return where a release is made. Hook."""
        return reverse(self.create_url, kwargs={"slug": self.kwargs["slug"]})

    def get_update_url(self, release: Any) -> str:
        """Return the page of ``release``. Hook."""
        return self.reverse_release(self.update_url, release)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["create_url"] = self.get_create_url()
        context["rows"] = [
            {
                "release": release,
                "update_url": self.get_update_url(release),
                "release_urls": self.get_release_urls(release),
            }
            for release in context["releases"]
        ]
        return context


class _ReleaseFormPage(ToReleases, SellersFormPage):
    """A release's own page: the form, and below it its files and its owners."""

    page_template = "release_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "product": self.product}  # type: ignore[attr-defined]


class GenericReleaseCreateView(_ReleaseFormPage, SellersReleases, CreateView):
    """Makes a release: a draft. Its files are added on its own page, which comes next."""

    needs = {"form_class": ("get_form_class", "ReleaseForm"), **_LIST, **_RELEASE}
    update_url: Any = None

    def get_success_url(self) -> str:
        """Go on to the release's own page. Hook."""
        return self.get_update_url(self.object)

    def get_update_url(self, release: Any) -> str:
        """Return the page of ``release``. Hook."""
        kwargs = {"slug": self.kwargs["slug"], "pk": release.pk}
        return reverse(self.update_url, kwargs=kwargs)

    def get_success_message(self) -> str:
        return _("“%(object)s” is saved as a draft. Add its files, then publish it.") % {
            "object": self.object
        }


class GenericReleaseUpdateView(_ReleaseSteps, _ReleaseFormPage, SellersReleases, UpdateView):
    """A release's own page: edits version and notes, and shows its files and what can be done.

    Its dates stay as they are. Parts of the page are templates that others replace, see
    ``get_partials``.
    """

    needs = {"form_class": ("get_form_class", "ReleaseForm"), **_LIST}

    def get_partials(self) -> dict[str, list[str]]:
        """Return the names of each part of the page that others may replace, best first. Hook.

        ``files`` are those of the release, ``owners`` is what a feature above the catalog does for
        who owns the product. Their context is the page's: ``release``, ``files``, ``release_urls``.
        """
        app_label = get_release_model()._meta.app_label
        return {
            part: [
                f"{app_label}/_release_{part}.html",
                f"digitalstore/extensions/catalog/_release_{part}.html",
                f"digitalstore/catalog/_release_{part}.html",
            ]
            for part in ("files", "owners")
        }

    def get_files(self) -> QuerySet:
        """Return the release's files, whatever their state. Hook."""
        return get_asset_model().objects.filter(release=self.object)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            files=self.get_files(),
            release_urls=self.get_release_urls(self.object),
            partials=self.get_partials(),
            **kwargs,
        )


class _ReleaseQuestion(ToReleases, GenericView, SellersReleases, SingleObjectMixin, FormView):
    """A page that asks something about a release, and then runs a flow."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = _LIST
    #: Fields of the flow's errors → those of the form.
    error_fields: ClassVar[dict[str, str]] = {}

    @cached_property
    def object(self) -> Any:
        """The release that is asked about."""
        return self.get_object()

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"label_suffix": "", **super().get_form_kwargs()}

    def run_flow(self, release: Any, **given: Any) -> str:
        """Call the flow and return what the seller reads. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement run_flow(release).")

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            text = self.run_flow(self.object, **form.cleaned_data)
        except ProductNotReady as error:
            for field, errors in error.update_error_dict({}).items():
                name = self.error_fields.get(field, "")
                form.add_error(name if name in form.fields else None, errors)
            return self.form_invalid(form)
        messages.success(self.request, text, fail_silently=True)
        return HttpResponseRedirect(self.get_success_url())


class GenericReleasePublishView(_ReleaseQuestion):
    """Asks when, then publishes a release of the seller's now, or schedules it."""

    form_class: type[forms.Form] = ReleasePublishForm
    page_template = "release_publish.html"
    error_fields = {"published_at": "at"}

    def get_initial(self) -> dict[str, Any]:
        """Start with the time for which it is scheduled. Hook."""
        scheduled = self.object.state == ReleaseState.SCHEDULED
        return {**super().get_initial(), "at": self.object.published_at if scheduled else None}

    def run_flow(self, release: Any, *, at: Any = None, **given: Any) -> str:
        flows.publish_release(release, at=at, actor=self.request.user)
        if not get_asset_model().objects.for_owners().filter(release=release).exists():
            text = _("“%(object)s” has no file yet: its owners get one when you add it.")
            messages.warning(self.request, text % {"object": release}, fail_silently=True)
        if release.state == ReleaseState.SCHEDULED:
            return _("“%(object)s” will be published: %(date)s") % {
                "object": release,
                "date": date_format(localtime(release.published_at), "DATETIME_FORMAT"),
            }
        return _("“%(object)s” is published.") % {"object": release}


class GenericReleaseYankView(_ReleaseQuestion):
    """Asks why, then withdraws a release of the seller's. Who owns the product keeps it."""

    form_class: type[forms.Form] = ReleaseYankForm
    page_template = "release_yank.html"
    error_fields = {"yanked_reason": "reason"}

    def run_flow(self, release: Any, *, reason: str = "", **given: Any) -> str:
        flows.yank_release(release, reason=reason, actor=self.request.user)
        return _("“%(object)s” is withdrawn.") % {"object": release}


class _ReleaseStep(ToReleases, SellersStep, SellersReleases, SingleObjectMixin):
    needs = _LIST


class GenericReleaseUnscheduleView(_ReleaseStep):
    """Makes a scheduled release of the seller's a draft again."""

    def take_step(self, instance: Any) -> str:
        flows.unschedule_release(instance, actor=self.request.user)
        return _("“%(object)s” is a draft again.") % {"object": instance}


class GenericReleaseUnyankView(_ReleaseStep):
    """Brings a withdrawn release of the seller's back."""

    def take_step(self, instance: Any) -> str:
        flows.unyank_release(instance, actor=self.request.user)
        return _("“%(object)s” is back: owners see it again.") % {"object": instance}


class GenericReleaseDeleteView(ToReleases, GenericView, SellersReleases, DeleteView):
    """Asks, then deletes a draft of the seller's with its files."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = _LIST
    page_template = "release_confirm_delete.html"

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            flows.delete_release(self.object, actor=self.request.user)
        except ProductNotReady as error:
            messages.error(self.request, " ".join(error.messages), fail_silently=True)
        except (ProtectedError, RestrictedError):
            text = _("“%(object)s” is still in use, so it stays.")
            messages.error(self.request, text % {"object": self.object}, fail_silently=True)
        else:
            text = _("“%(object)s” is deleted.")
            messages.success(self.request, text % {"object": self.object}, fail_silently=True)
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        file_count = get_asset_model().objects.filter(release=self.object).count()
        return super().get_context_data(file_count=file_count, **kwargs)
