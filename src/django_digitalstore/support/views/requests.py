"""Opening a request, and the page of one: the thread, and everything that is done to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.roles import CUSTOMER, SELLER
from django_digitalstore.core.views import SeeOther
from django_digitalstore.entitlements.policies import had_access, has_access, why_access_ended
from django_digitalstore.support import flows, policies
from django_digitalstore.support.choices import RequestState
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport
from django_digitalstore.support.forms import SupportReplyForm, SupportRequestForm

from .pages import FilesPage, RequestsPage, SupportPage

__all__ = [
    "GenericSupportRequestDetailView",
    "GenericSupportRequestOpenView",
    "ThreadEntry",
    "ThreadFile",
]

#: The status of each refusal's page; 409 for any other.
STATUSES = MappingProxyType({"no_purchase": 403, "access_lost": 403, "too_fast": 429})


class GenericSupportRequestOpenView(FilesPage, SupportPage, TemplateView):
    """Asks what somebody needs help with (GET), and opens the request (POST), once for each form.

    The product is the ``slug`` of the address: for sale, or the visitor's; 404 for any other. Who
    cannot open one reads why, and what to buy: 403 without the product, 429 too often, else 409.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:support_request"'),
        "list_url": ("get_list_url", '"shop:support_list"'),
    }
    page_template = "request_open.html"
    form_class: Any = SupportRequestForm
    #: Name of the URL of your ``GenericSupportRequestDetailView``; it takes the request's number.
    detail_url: str | None = None
    #: URL, or its name, of the customer's requests.
    list_url: str | None = None
    #: Name of the URL of your ``GenericSupportCheckoutView``, which takes a product's slug; None
    #: shows no way to buy more.
    buy_url: str | None = None

    def get_detail_url(self, request: Any) -> str:
        """Return the URL of a request's page. Hook: no I/O."""
        return reverse(str(self.detail_url), args=[request.public_id])

    def get_list_url(self) -> str:
        """Return the URL of the customer's requests. Hook: no I/O."""
        return resolve_url(str(self.list_url))

    def get_buy_url(self, product: Any) -> str:
        """Return where more support for ``product`` is bought, or nothing. Hook: no I/O."""
        return reverse(self.buy_url, args=[product.slug]) if self.buy_url else ""

    @cached_property
    def product(self) -> Any:
        """The product that the address names. Raises ``Http404``."""
        found = get_product_model()._default_manager.filter(slug=self.kwargs["slug"]).first()
        # A draft does not exist for those who never had it.
        if found is None or not (found.is_for_sale or had_access(self.request.user, found)):
            raise Http404
        return found

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        """Return the form. Hook."""
        return self.form_class(data, files)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            policies.check_open(request.user, self.product)
        except NoSupport as error:
            return self.refuse(error)
        return self.answer(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Open the request, and show it."""
        form = self.get_form(request.POST, request.FILES)
        product = self.product
        if form.is_valid():
            try:
                opened = flows.open_request(
                    request.user,
                    product,
                    subject=form.cleaned_data["subject"],
                    **form.get_message(),
                )
            except InvalidSupport as error:
                form.take_errors(error)
            except NoSupport as error:
                return self.refuse(error, form)
            else:
                messages.success(request, _("Your request is sent."), fail_silently=True)
                return SeeOther(self.get_detail_url(opened))
        return self.answer(form, status=400)

    def refuse(self, error: NoSupport, form: Any = None) -> HttpResponse:
        """Say why, and what can be done. What was written stays where waiting is all it takes."""
        keeps = form is not None and error.code in ("too_fast", "too_many_open")
        return self.answer(
            form if keeps else None, error=error, status=STATUSES.get(error.code, 409)
        )

    def refuse_size(self, problem: str) -> HttpResponse:
        return self.answer(self.get_form(), problem=problem, status=413)

    def answer(
        self, form: Any, *, error: NoSupport | None = None, problem: str = "", status: int = 200
    ) -> HttpResponse:
        """Show the page."""
        context = self.get_context_data(form=form, error=error, problem=problem or str(error or ""))
        return self.render_to_response(context, status=status)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``product``, ``balance``, ``has_access``, and the links."""
        error: NoSupport | None = kwargs.get("error")
        offer = error.offer if error is not None else None
        owned = has_access(self.request.user, self.product)
        return super().get_context_data(
            product=self.product,
            has_access=owned,
            balance=policies.support_allowance(self.request.user, self.product) if owned else None,
            offer=offer,
            buy_url=self.get_buy_url(self.product) if offer and self.product.is_for_sale else "",
            list_url=self.get_list_url(),
            **kwargs,
        )


@dataclass(frozen=True, slots=True)
class ThreadFile:
    """A file of a message; a POST to ``url`` leads to it."""

    attachment: Any
    url: str


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """A message as the page shows it; ``author`` is a name that this reader may read."""

    message: Any
    author: str
    is_own: bool
    is_from_customer: bool
    files: list[ThreadFile]


class GenericSupportRequestDetailView(FilesPage, RequestsPage, TemplateView):
    """One request: its thread, and a form to go on with it (POST ``action=reply``).

    ``action`` is also ``resolve`` and ``reopen``, and for a seller ``note``, ``close``, ``take``
    and ``leave``. What is refused is said on the page, as by ``GenericSupportRequestOpenView``.
    A customer never sees an internal note. Another's request is a 404. After access was lost the
    thread is still there to read, and the seller reads why it was lost.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER, SELLER)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "list_url": ("get_list_url", '"shop:support_list"'),
        "attachment_url": ("get_attachment_url", '"shop:support_attachment_link"'),
    }
    page_template = "request_detail.html"
    form_class: Any = SupportReplyForm
    #: URL, or its name, of the list of requests.
    list_url: str | None = None
    #: Name of the URL of your ``GenericAttachmentLinkView``; it takes the attachment's key.
    attachment_url: str | None = None

    def get_list_url(self) -> str:
        """Return the URL of the list of requests. Hook: no I/O."""
        return resolve_url(str(self.list_url))

    def get_attachment_url(self, attachment: Any) -> str:
        """Return where a POST makes a link to ``attachment``. Hook: no I/O."""
        return reverse(str(self.attachment_url), args=[attachment.pk])

    def get_form(self, data: Any = None, files: Any = None, *, name: str = "reply") -> Any:
        """Return the form of a reply, or of a ``note``. Hook."""
        # Two forms on one page: the ids of one differ.
        auto_id = "id_%s" if name == "reply" else f"id_{name}_%s"
        return self.form_class(data, files, auto_id=auto_id)

    def get_author_name(self, message: Any) -> str:
        """Return who wrote, as this reader may know it. Hook: no I/O.

        Customers read no log-in names of the other side: these may be addresses.
        """
        if message.author_id == self.request.user.pk:
            return _("You")
        name = str(getattr(message.author, "get_full_name", str)() or "")
        return name or (str(message.author) if self.is_seller else _("Support"))

    @cached_property
    def support_request(self) -> Any:
        """The request that the address names. Raises ``Http404``."""
        return self.get_request(self.kwargs["public_id"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do what ``action`` says, and show the page again."""
        action = request.POST.get("action", "reply")
        if action in ("reply", "note"):
            return self.write(action)
        return self.take_step(action)

    def write(self, action: str) -> HttpResponse:
        """Add a reply or a note. Raises ``Http404`` for a customer's note."""
        if action == "note" and not self.is_seller:
            raise Http404
        flow = flows.reply if action == "reply" else flows.add_note
        support_request = self.support_request
        form = self.get_form(self.request.POST, self.request.FILES, name=action)
        if form.is_valid():
            try:
                flow(support_request, author=self.request.user, **form.get_message())
            except InvalidSupport as error:
                form.take_errors(error)
            except NoSupport as error:
                return self.refuse(error, **{f"{action}_form": form})
            else:
                sent = action == "reply"
                text = _("Your message is sent.") if sent else _("Your note is kept.")
                return self.done(text)
        context = self.get_context_data(**{f"{action}_form": form})
        return self.render_to_response(context, status=400)

    def take_step(self, action: str) -> HttpResponse:
        """Call the flow of a button. Raises ``Http404`` for what this role has no button for."""
        user = self.request.user
        steps: dict[str, tuple[Any, str]] = {
            "resolve": (flows.resolve, _("The request is resolved.")),
            "reopen": (flows.reopen, _("The request is open again.")),
        }
        if self.is_seller:
            steps["close"] = (flows.close, _("The request is closed."))
            steps["take"] = (lambda it, actor: flows.assign(it, actor, actor=actor), "")
            steps["leave"] = (lambda it, actor: flows.assign(it, None, actor=actor), "")
        if action not in steps:
            raise Http404
        flow, text = steps[action]
        try:
            flow(self.support_request, actor=user)
        except NoSupport as error:
            return self.refuse(error)
        return self.done(text)

    def done(self, text: str) -> HttpResponse:
        """Go back to the page."""
        if text:
            messages.success(self.request, text, fail_silently=True)
        return SeeOther(self.request.path)

    def refuse(self, error: NoSupport, **context: Any) -> HttpResponse:
        """Show the page with what speaks against it."""
        vars(self).pop("support_request", None)  # as it is now
        page = self.get_context_data(problem=str(error), **context)
        return self.render_to_response(page, status=STATUSES.get(error.code, 409))

    def refuse_size(self, problem: str) -> HttpResponse:
        return self.render_to_response(self.get_context_data(problem=problem), status=413)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the request, its ``thread``, the forms, and what may be done.

        ``refusal`` says why nobody can reply; ``lost`` why the customer has no access any more.
        """
        support_request, user = self.support_request, self.request.user
        refusal = ""
        try:
            policies.check_reply(support_request, user)
        except NoSupport as error:
            refusal = str(error)
        kwargs.setdefault("problem", "")
        if not refusal:
            kwargs.setdefault("reply_form", self.get_form())
        if self.is_seller:
            kwargs.setdefault("note_form", self.get_form(name="note"))
        is_ongoing = support_request.is_ongoing
        return super().get_context_data(
            support_request=support_request,
            product=support_request.product,
            thread=self.get_thread(),
            refusal=refusal,
            is_seller=self.is_seller,
            lost=self.get_lost() if self.is_seller else "",
            can_resolve=is_ongoing,
            can_reopen=policies.can_reopen(support_request, user),
            can_close=self.is_seller and support_request.state != RequestState.CLOSED,
            is_taken=self.is_seller and support_request.assignee_id == user.pk,
            reopenable_until=policies.reopenable_until(support_request),
            list_url=self.get_list_url(),
            **kwargs,
        )

    def get_lost(self) -> str:
        """Return why the customer lost the product; "" where they have it."""
        if has_access(self.support_request.user, self.support_request.product):
            return ""
        reason = why_access_ended(self.support_request.user, self.support_request.product)
        return str(reason.label) if reason is not None else _("It was never theirs")

    def get_thread(self) -> list[ThreadEntry]:
        """Return the messages that this reader may read, oldest first. Two queries. Hook."""
        found = policies.visible_messages(self.request.user, self.support_request)
        return list(self._entries(found))

    def _entries(self, found: Iterable[Any]) -> Iterable[ThreadEntry]:
        for message in found:
            yield ThreadEntry(
                message,
                self.get_author_name(message),
                is_own=message.author_id == self.request.user.pk,
                is_from_customer=message.author_id == self.support_request.user_id,
                files=[
                    ThreadFile(attachment, self.get_attachment_url(attachment))
                    for attachment in message.attachments.all()
                ],
            )
