"""What the pages of the support share: templates, roles, lists, and forms that bring files."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import classonlymethod
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect

from django_digitalstore.catalog.views import pages
from django_digitalstore.core.paginator import CountlessPaginator
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView, OutsideTransactionView
from django_digitalstore.support import get_support_request_model, policies

__all__ = ["FilesPage", "PagedMixin", "RequestsPage", "SupportPage"]

#: What a form may have beside its files, in bytes.
_REST_OF_FORM = 1024**2


class SupportPage(GenericView):
    """Finds the host's ``<app>/supportrequest_<suffix>.html`` before the suite's own template."""

    #: Name of our template in ``digitalstore/support/``; the host's ends alike.
    page_template: ClassVar[str]
    #: The one template to take, whatever there is.
    template_name: str | None = None

    def get_template_names(self) -> list[str]:
        """Return ``template_name`` alone where it is set, else the host's name, then ours. Hook."""
        if self.template_name:
            return [self.template_name]
        options = get_support_request_model()._meta
        suffix = self.page_template.partition("_")[2]
        return [
            f"{options.app_label}/{options.model_name}_{suffix}",
            f"digitalstore/support/{self.page_template}",
        ]

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Answer with a page that no cache keeps."""
        response: HttpResponse = super().render_to_response(context, **kwargs)  # type: ignore[misc]
        add_never_cache_headers(response)
        return response


class RequestsPage(SupportPage):
    """A page about requests: a customer's own, or, for a seller, those that they may answer."""

    @property
    def is_seller(self) -> bool:
        """Whether this is the seller's page."""
        return getattr(self, "role", None) == SELLER

    def check_role(self, request: HttpRequest) -> HttpResponseBase | None:
        """Let staff who may answer all requests into the seller's pages, sellers or not."""
        if self.is_seller and policies.may_answer_all(request.user):
            return None
        return super().check_role(request)

    def get_requests(self) -> Any:
        """Return the requests that this user may see in this role: the one tenant filter. Hook."""
        return policies.requests_for(self.request.user, as_seller=self.is_seller)

    def get_request(self, public_id: str) -> Any:
        """Return one of them. Raises ``Http404`` for another's."""
        # PostgreSQL's driver raises for a NUL.
        found = None if "\x00" in public_id else self.get_requests().filter(public_id=public_id)
        request = found.first() if found is not None else None
        if request is None:
            raise Http404
        return request


class FilesPage(OutsideTransactionView):
    """A page whose form may bring files, which are stored before anything is written.

    A form that is larger than all files may be together is refused before it is read. Django's CSRF
    middleware would read it first, so ``as_view()`` makes it pass, and ``dispatch()`` asks.
    """

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Any:  # noqa: N805
        """Return the view function; the token is asked for by ``dispatch()``."""
        view = super().as_view(**initkwargs)
        view.csrf_exempt = True  # type: ignore[attr-defined]
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = self.check_role(request)
        if refusal is not None:
            return refusal
        if request.method == "POST" and self._length(request) > self._longest():
            return self.refuse_size(
                _("That is too much at once. Nothing was sent: attach fewer or smaller files.")
            )
        ask = csrf_protect(super().dispatch)
        return ask(request, *args, **kwargs)

    def refuse_size(self, problem: str) -> HttpResponse:
        """Return the page (413) for a form that is too large to be read. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement refuse_size(problem).")

    @staticmethod
    def _length(request: HttpRequest) -> int:
        try:
            return int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return 0

    @staticmethod
    def _longest() -> int:
        files = int(settings.DIGITALSTORE_SUPPORT_ATTACHMENTS)
        largest = int(settings.DIGITALSTORE_SUPPORT_ATTACHMENT_MAX_BYTES)
        # Four bytes for each character of the message.
        text = 4 * int(settings.DIGITALSTORE_SUPPORT_MESSAGE_LENGTH)
        return files * largest + text + _REST_OF_FORM


class PagedMixin(pages.PagedMixin):
    """Pages by ``DIGITALSTORE_SUPPORT_REQUESTS_PER_PAGE``, without counting.

    A page that doesn't exist shows a near one.
    """

    paginator_class: Any = CountlessPaginator
    paginate_by: int | None = None

    def get_paginate_by(self, queryset: Any) -> int:
        """Return how many rows a page has. Hook."""
        return self.paginate_by or int(settings.DIGITALSTORE_SUPPORT_REQUESTS_PER_PAGE)
