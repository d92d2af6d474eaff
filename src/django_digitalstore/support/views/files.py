"""The way of an attachment to who may read its message: a click makes a link, which is redeemed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.generic.base import ContextMixin, TemplateResponseMixin

from django_digitalstore.core.roles import CUSTOMER, SELLER
from django_digitalstore.core.views import SeeOther
from django_digitalstore.entitlements.backends import Delivery, FileMissing, delivery_backends
from django_digitalstore.entitlements.links import LinkInvalid
from django_digitalstore.support import get_support_attachment_model, links, policies

from .pages import RequestsPage

__all__ = ["GenericAttachmentLinkView", "GenericAttachmentView"]


class _AttachmentPage(RequestsPage, TemplateResponseMixin, ContextMixin):
    """Either step: the file of a message that this user may read in this role; else 404.

    Also after access was lost, as the thread itself. The file of an internal note is none of the
    customer's.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER, SELLER)
    page_template = "request_file.html"
    #: Alias in ``DIGITALSTORE_DELIVERY``.
    delivery_alias = "default"
    #: URL, or its name, of the list of requests.
    list_url: str | None = None

    def get_list_url(self) -> str:
        """Return the URL of the list of requests. Hook: no I/O."""
        return resolve_url(str(self.list_url))

    def get_login_next(self, request: HttpRequest) -> str:
        """Come back to the list: the address of this takes no GET, or is a link. Hook: no I/O."""
        return self.get_list_url()

    def get_attachment(self, pk: Any) -> Any:
        """Return the attachment. Raises ``Http404``."""
        attachments: Any = get_support_attachment_model().objects
        found = attachments.select_related("message__request__product", "message__request__user")
        try:
            attachment = found.get(pk=pk)
        except (found.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            raise Http404 from None
        # In this role: who only looks on, as staff do in the admin, has no page here.
        request, user = attachment.message.request, self.request.user
        if self.is_seller:
            has_part = policies.can_answer(user, request)
        else:
            has_part = request.user_id == user.pk
        if not (has_part and policies.can_download(user, attachment)):
            raise Http404
        return attachment

    def say_no(self, attachment: Any, code: str, status: int, **context: Any) -> HttpResponse:
        """Return the page that says why there is no file."""
        page = self.get_context_data(
            code=code,
            attachment=attachment,
            support_request=attachment.message.request,
            list_url=self.get_list_url(),
            **context,
        )
        response = self.render_to_response(page, status=status)
        # Not no-referrer, with which browsers post the page's form with "Origin: null".
        response.headers["Referrer-Policy"] = "same-origin"
        return response


class GenericAttachmentLinkView(_AttachmentPage):
    """A click on a file of a message: makes a link, and sends the browser there. POST only."""

    http_method_names = ["post", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "redeem_url": ("get_redeem_url", '"shop:support_attachment"'),
        "list_url": ("get_list_url", '"shop:support_list"'),
    }
    #: Name of the URL of your ``GenericAttachmentView``; it takes the token.
    redeem_url: str | None = None

    def get_redeem_url(self, token: str) -> str:
        """Return where ``token`` is redeemed. Hook: no I/O."""
        return reverse(str(self.redeem_url), args=[token])

    def post(self, request: HttpRequest, pk: Any, **kwargs: Any) -> HttpResponseRedirect:
        token = links.mint(request.user, self.get_attachment(pk))
        response = SeeOther(self.get_redeem_url(token))
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


class GenericAttachmentView(_AttachmentPage):
    """Redeems a link: asks again who may read the message, and lets a backend send the file.

    Browsers are told to save it, never to run it. 404 for what is no link of this user; 410 with a
    button for a fresh one where it is too old.
    """

    http_method_names = ["get", "head", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "attachment_url": ("get_attachment_url", '"shop:support_attachment_link"'),
        "list_url": ("get_list_url", '"shop:support_list"'),
    }
    #: Name of the URL of your ``GenericAttachmentLinkView``; it takes the attachment's key.
    attachment_url: str | None = None

    def get_attachment_url(self, attachment: Any) -> str:
        """Return where a POST makes a fresh link to ``attachment``. Hook: no I/O."""
        return reverse(str(self.attachment_url), args=[attachment.pk])

    def get(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        try:
            link = links.redeem(token, request.user)
        except LinkInvalid:
            raise Http404 from None
        except links.AttachmentLinkExpired as error:
            attachment = self.get_attachment(error.link.attachment_id)
            again = self.get_attachment_url(attachment)
            return self.say_no(attachment, "expired", 410, attachment_url=again)
        attachment = self.get_attachment(link.attachment_id)
        backend = delivery_backends[self.delivery_alias]
        try:
            return backend.respond(request, self.get_delivery(attachment))
        except FileMissing:
            return self.say_no(attachment, "missing", 404)

    def head(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        return self.get(request, token, **kwargs)

    def get_delivery(self, attachment: Any) -> Delivery:
        """Return what the backend needs to know. Hook: no queries."""
        return Delivery(
            storage=attachment.file.storage,
            name=attachment.file.name or "",
            file_name=attachment.name,
            size=attachment.size,
            sha256=attachment.sha256,
            modified_at=attachment.message.at,
        )
