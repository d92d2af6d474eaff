"""Pages of the payments: checkout, the way back from the provider, orders and receipts.

All are generic: a host subclasses them, with a role, and routes the subclass.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.encoding import escape_uri_path
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.generic import DetailView, FormView, ListView, View

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core import caching
from django_digitalstore.core.money import format_money
from django_digitalstore.core.paginator import CountlessPaginator
from django_digitalstore.core.provider_calls import call_provider
from django_digitalstore.core.roles import CUSTOMER, SELLER
from django_digitalstore.core.site_url import absolute_url, site_url
from django_digitalstore.core.views import GenericView, OutsideTransactionView, SeeOther

from . import flows, get_order_model, policies
from .abstract_models import AbstractOrder, AbstractPayment
from .backends import payment_backends
from .backends.sandbox.console import page_of
from .choices import Attention, OrderStatus, PaymentState, RefundState
from .exceptions import AlreadyOwned, CheckoutRefused, CheckoutUnavailable, RefundRefused
from .flows import LineRequest
from .forms import CheckoutForm, OrderRefundForm
from .fulfilments import Quote, get_fulfilment
from .models import new_refund_key
from .statement import PaymentStatement, money_of_buyer, money_of_seller

__all__ = [
    "GenericCheckoutView",
    "GenericCustomerPortalView",
    "GenericOrderDetailView",
    "GenericOrderHistoryView",
    "GenericOrderInvoiceView",
    "GenericOrderReceiptView",
    "GenericOrderReturnView",
    "GenericSellerOrderRefundView",
]

logger = logging.getLogger(__name__)

#: More products than this in one address is no buyer.
MOST_PRODUCTS = 50
#: Seconds until the return page looks again, each time; after the last it waits for a click.
LOOK_AGAIN = (2, 3, 5, 8, 13, 21, 30, 30, 30, 30)
#: Seconds for which one answer of the provider about an order is good enough.
ASK_AGAIN = 1


class _OrderTemplates(GenericView):
    """Finds the host's ``<app>/order_<suffix>.html`` before the suite's own template."""

    template_suffix: ClassVar[str]
    template_name: str | None = None

    def get_template_names(self) -> list[str]:
        """Return the templates to try, first one first. Hook: no I/O."""
        if self.template_name:
            return [self.template_name]
        suffix = self.template_suffix
        meta = get_order_model()._meta
        own = "checkout" if suffix == "checkout" else f"order_{suffix}"
        return [
            f"{meta.app_label}/{meta.model_name}_{suffix}.html",
            f"digitalstore/payments/{own}.html",
        ]


class _OpensCheckout(OutsideTransactionView):
    """What the checkout and the return page share: sending the buyer to the provider."""

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "return_url": ("get_return_url", '"shop:order_return"'),
        "cancel_url": ("get_cancel_url", '"shop:order_detail"'),
        "owned_url": ("get_owned_url", '"shop:library"'),
    }
    #: Name of the URL of the return page; it takes an order's public id.
    return_url: str | None = None
    #: Name of the URL of the page for buyers who turn back; it takes an order's public id.
    cancel_url: str | None = None
    #: URL, or its name, of the page with what the buyer owns.
    owned_url: str | None = None
    #: Alias in ``DIGITALSTORE_PAYMENTS`` of the provider that is paid.
    payment_alias: str = "default"

    def get_return_url(self, order: AbstractOrder) -> str:
        """Return the path that the provider sends the buyer back to. Hook: no I/O."""
        assert self.return_url is not None  # as_view() saw to it
        return reverse(self.return_url, args=[order.public_id])

    def get_cancel_url(self, order: AbstractOrder) -> str:
        """Return the path that the provider sends a buyer to who turns back. Hook: no I/O."""
        assert self.cancel_url is not None
        return reverse(self.cancel_url, args=[order.public_id])

    def get_owned_url(self) -> str:
        """Return the URL of the buyer's library. Hook: no I/O."""
        assert self.owned_url is not None
        return resolve_url(self.owned_url)

    def get_payment_alias(self) -> str:
        """Return the alias of the provider that is paid. Never from the request. Hook."""
        return self.payment_alias

    def go_and_pay(self, payment: AbstractPayment) -> HttpResponse:
        """Redirect to the provider's checkout, or to the return page where nothing is to be paid.

        Calls the provider, outside any transaction. Raises ``CheckoutUnavailable``.
        """
        order = payment.order
        if payment.state == PaymentState.CREATED:
            payment = flows.open_checkout(
                payment,
                return_url=absolute_url(self.get_return_url(order)),
                cancel_url=absolute_url(self.get_cancel_url(order)),
            )
        if payment.state != PaymentState.OPEN:
            return SeeOther(self.get_return_url(order))
        # It is the provider's own and may lead anywhere, but it has to be a page.
        parts = urlsplit(payment.checkout_url)
        is_path = payment.checkout_url.startswith("/") and not parts.netloc
        if parts.scheme not in ("http", "https") and not (is_path and not parts.scheme):
            logger.error("Provider %r gave a checkout address that is no page.", payment.alias)
            raise CheckoutUnavailable(
                _("The payment provider does not answer. Nothing was charged; please try again.")
            )
        return SeeOther(payment.checkout_url)


class GenericCheckoutView(_OrderTemplates, _OpensCheckout, FormView):
    """Shows what is bought (GET ``?product=<slug>&product=…``), and buys it (POST).

    The request says which products, the receipt's e-mail and the billing country, and nothing
    else: prices, buyer and currency come from the database. Answers: 303 to the provider, or to
    the return page for a total of zero; 404 for products that are not there or not for sale; a
    single product that is owned already leads to the library; 409 with the page where one of
    several is owned, 400 for every other refusal, 503 where the provider fails: nothing is lost,
    the same POST goes on. Under ``ATOMIC_REQUESTS`` it runs outside the request's transaction.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    form_class: Any = CheckoutForm
    template_suffix = "checkout"
    #: Kind of the lines, as in ``DIGITALSTORE_FULFILMENTS``.
    line_kind: ClassVar[str] = "product"

    def get_slugs(self) -> list[str]:
        """Return the slugs that the request names."""
        data = self.request.POST if self.request.method == "POST" else self.request.GET
        return data.getlist("product")

    @cached_property
    def products(self) -> Sequence[Any]:
        """What is to be bought, as asked for; 404 unless all of it is for sale. One query."""
        slugs = self.get_slugs()
        # No database takes a NUL, and PostgreSQL's driver raises for it.
        if not slugs or len(slugs) > MOST_PRODUCTS or any("\x00" in slug for slug in slugs):
            raise Http404(_("There is nothing to buy here."))
        found = {p.slug: p for p in get_product_model()._default_manager.filter(slug__in=slugs)}
        products = [found.get(slug) for slug in slugs]
        if any(product is None or not product.is_for_sale for product in products):
            raise Http404(_("This is not for sale."))
        return products

    def get_lines(self) -> list[LineRequest]:
        """Return what is to be bought. Hook for other kinds of lines."""
        return [LineRequest(product, self.line_kind) for product in self.products]

    def get_order_fields(self, form: Any) -> dict[str, Any]:
        """Return what your own columns of the order get, as in ``{"note": …}``. Hook: no writes.

        They are saved with the order, so a fulfilment of a free order sees them too.
        """
        return {}

    def get_quotes(self) -> list[Quote]:
        """Return name and price of each line, as the fulfilment of its kind says. Hook."""
        return [
            get_fulfilment(line.kind).quote(self.request.user, line.product)
            for line in self.get_lines()
        ]

    def get_login_next(self, request: HttpRequest) -> str:
        # After logging in comes a GET: the same products have to stand in its address.
        slugs = request.POST.getlist("product")[:MOST_PRODUCTS]
        if request.method == "POST" and slugs:
            return f"{request.path}?{urlencode([('product', slug) for slug in slugs])}"
        return request.get_full_path()

    def get_initial(self) -> dict[str, Any]:
        """Prefill the buyer's e-mail, and the country of their last order. Hook."""
        user = self.request.user
        orders = get_order_model().objects.of_customer(user).exclude(country="")
        return {
            **super().get_initial(),
            "email": getattr(user, user.get_email_field_name(), "") or "",  # type: ignore[union-attr]
            "country": orders.values_list("country", flat=True).first() or "",
        }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refusal = self.foresee_refusal()
        if refusal is not None:
            return self.refuse(self.get_form(), refusal)
        return self.render_to_response(self.get_context_data())

    def foresee_refusal(self) -> CheckoutRefused | None:
        """Return why buying would be refused, before the buyer fills in anything; or None."""
        try:
            quoted = policies.quote_lines(self.request.user, self.get_lines())
            policies.check_buyer(self.request.user, quoted)
        except CheckoutRefused as error:
            return error
        return None

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            payment = flows.start_checkout(
                self.request.user,
                self.get_lines(),
                email=form.cleaned_data["email"],
                country=form.cleaned_data.get("country", ""),
                alias=self.get_payment_alias(),
                order_fields=self.get_order_fields(form),
            )
            return self.go_and_pay(payment)
        except CheckoutRefused as error:
            return self.refuse(form, error)
        except CheckoutUnavailable as error:
            return self.answer(form, str(error), "unavailable", 503)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def refuse(self, form: Any, error: CheckoutRefused) -> HttpResponse:
        """Say why this cannot be bought, or show the way to what is owned already."""
        if isinstance(error, AlreadyOwned):
            if len(self.products) == 1:
                messages.info(self.request, str(error))
                return SeeOther(self.get_owned_url())
            return self.answer(form, str(error), error.code, 409)
        return self.answer(form, str(error), error.code, 400)

    def answer(self, form: Any, problem: str, code: str, status: int) -> HttpResponse:
        """Show the page again with a problem."""
        context = self.get_context_data(form=form, problem=problem, problem_code=code)
        return self.render_to_response(context, status=status)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        # A form with an e-mail and a price that may change tomorrow.
        add_never_cache_headers(response)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``products``, ``quotes`` and ``total`` (as people write it), and a ``problem``."""
        try:
            quotes = self.get_quotes()
        except CheckoutRefused:
            quotes = []  # what is not sold has no price; the problem says why
        currencies = {quote.currency for quote in quotes}
        price = sum(quote.unit_price for quote in quotes)
        # Different currencies have no sum.
        total = format_money(price, currencies.pop()) if len(currencies) == 1 else ""
        kwargs.setdefault("problem", "")
        kwargs.setdefault("problem_code", "")
        return super().get_context_data(
            products=self.products,
            quotes=quotes,
            total=total,
            is_free=bool(quotes) and price == 0,
            **kwargs,
        )


class _OrderPage(_OrderTemplates, DetailView):
    """A page of one order, which is the user's own or holds products of theirs. Else: 404."""

    slug_field = "public_id"
    slug_url_kwarg = "public_id"
    context_object_name = "order"

    def get_queryset(self) -> Any:
        """Return the orders that this user may see in this role: the one tenant filter. Hook."""
        return _orders_for(self)

    def get_object(self, queryset: Any = None) -> Any:
        # PostgreSQL's driver raises for a NUL.
        if "\x00" in self.kwargs[self.slug_url_kwarg]:
            raise Http404
        return super().get_object(queryset)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``lines`` and ``total``: for a seller, their own lines and the sum of them."""
        lines = self.object.shown_lines
        total = self.object.total
        if getattr(self, "role", None) == SELLER:
            total = sum(line.total for line in lines)
        return super().get_context_data(lines=lines, total=total, **kwargs)


def _orders_for(view: Any) -> Any:
    if getattr(view, "role", None) == SELLER:
        return policies.orders_of_seller(view.request.user)
    return policies.orders_of_customer(view.request.user)


class GenericOrderReturnView(_OpensCheckout, _OrderPage):
    """Where the provider sends the buyer back to: shows the order's state until it is settled.

    Arriving here grants nothing. An unpaid order is asked about at the provider, and the page
    looks again by itself (a ``Refresh`` header, so without JavaScript), less and less often. POST
    tries to pay again. Runs outside the request's transaction.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    #: Who paid while the site was closed reads that it arrived; nobody begins to pay there.
    open_under_construction = "owners-read"
    template_suffix = "return"
    #: Name of the URL of the receipt, which takes an order's public id; None shows no link.
    receipt_url: str | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if self.object.status in policies.UNPAID and self.may_ask(self.object):
            flows.refresh_order(self.object)
            self.object = self.get_object()
        response = self.render_to_response(self.get_context_data(object=self.object))
        add_never_cache_headers(response)
        if policies.is_awaited(self.object):
            step = self.get_step()
            if step < len(LOOK_AGAIN):
                again = f"{escape_uri_path(request.path)}?wait={step + 1}"
                response["Refresh"] = f"{LOOK_AGAIN[step]}; url={again}"
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Pay again: the checkout that is open, or a new one."""
        self.object = self.get_object()
        here = self.get_return_url(self.object)
        try:
            payment = flows.retry_checkout(self.object, alias=self.get_payment_alias())
            return self.go_and_pay(payment)
        except AlreadyOwned as error:
            messages.info(request, str(error))
            return SeeOther(self.get_owned_url())
        except CheckoutRefused as error:
            messages.warning(request, str(error))
            return SeeOther(here)
        except CheckoutUnavailable as error:
            context = self.get_context_data(object=self.object, problem=str(error))
            return self.render_to_response(context, status=503)

    def may_ask(self, order: AbstractOrder) -> bool:
        """Tell whether the provider may be asked again: not for every click of the same second."""
        cache = caching.shared()
        is_first = cache.add(f"order-asked:{order.public_id}", 1, timeout=ASK_AGAIN)
        # With the cache down the page works, and asks more often.
        return is_first or cache.is_down

    def get_step(self) -> int:
        """Return how often the page has looked again by itself."""
        text = self.request.GET.get("wait", "")
        if not (text.isascii() and text.isdigit() and len(text) < 4):
            return 0
        return min(int(text), len(LOOK_AGAIN))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``awaited``, ``looks_again``, ``can_retry``, and the links that are named."""
        order = self.object
        awaited = policies.is_awaited(order)
        kwargs.setdefault("problem", "")
        return super().get_context_data(
            unpaid=order.status in policies.UNPAID,
            awaited=awaited,
            looks_again=awaited and self.get_step() < len(LOOK_AGAIN),
            can_retry=policies.can_retry(order),
            has_files=order.status == OrderStatus.PAID and policies.has_files(order.shown_lines),
            owned_url=self.get_owned_url(),
            receipt_url=_order_url(self.receipt_url, order),
            **kwargs,
        )


class GenericOrderHistoryView(_OrderTemplates, ListView):
    """The orders that a customer placed, or that hold a seller's products, newest first.

    A seller sees their own lines and the sum of them, and not who bought. The same number of
    queries whatever the number of orders; ``DIGITALSTORE_ORDERS_PER_PAGE`` on each page.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER, SELLER)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:order_detail"'),
    }
    template_suffix = "list"
    context_object_name = "orders"
    paginator_class = CountlessPaginator
    #: Name of the URL of an order's page; it takes an order's public id.
    detail_url: str | None = None
    #: Name of the URL of your ``GenericCustomerPortalView``; None shows no button.
    portal_url: str | None = None

    def get_queryset(self) -> Any:
        """Return the orders that this user may see in this role: the one tenant filter. Hook."""
        return _orders_for(self)

    def get_paginate_by(self, queryset: Any) -> int:
        """Return how many orders a page shows. Hook."""
        return self.paginate_by or int(settings.DIGITALSTORE_ORDERS_PER_PAGE)

    def get_detail_url(self, order: AbstractOrder) -> str:
        """Return the URL of an order's page. Hook: no I/O."""
        assert self.detail_url is not None
        return reverse(self.detail_url, args=[order.public_id])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``portal_url``, and ``rows``: orders with their ``url``, ``lines`` and ``total``."""
        context = super().get_context_data(**kwargs)
        is_seller = getattr(self, "role", None) == SELLER
        has_portal = self.portal_url and not is_seller and policies.portal_of(self.request.user)
        context["portal_url"] = reverse(self.portal_url) if self.portal_url and has_portal else ""
        context["rows"] = [
            {
                "order": order,
                "url": self.get_detail_url(order),
                "lines": order.shown_lines,
                "total": sum(li.total for li in order.shown_lines) if is_seller else order.total,
            }
            for order in context["orders"]
        ]
        return context


class GenericOrderDetailView(_OrderPage):
    """One order: for its customer all of it, for a seller their own lines. Others get 404."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER, SELLER)
    template_suffix = "detail"
    #: Names of URLs that take an order's public id; None shows no link. For customers only.
    return_url: str | None = None
    receipt_url: str | None = None
    invoice_url: str | None = None
    #: URL, or its name, of the list of orders and of the buyer's library; None shows no link.
    list_url: str | None = None
    owned_url: str | None = None
    #: Name of the URL of your ``GenericSellerOrderRefundView``, which takes an order's public id;
    #: None shows no link. For sellers only.
    refund_url: str | None = None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the links that are named, and for the customer whether the order may be paid.

        ``lost`` are lines that are paid and whose product the customer does not own any more,
        ``money`` what was paid and went back, as ``statement.PaymentStatement``.
        """
        order = self.object
        if getattr(self, "role", None) == SELLER:
            kwargs |= self.get_seller_context(order)
        else:
            kwargs |= self.get_buyer_context(order)
        mine = getattr(self, "role", None) == CUSTOMER
        paid = order.status not in policies.UNPAID
        holds = mine and order.status in (OrderStatus.PAID, OrderStatus.PARTIALLY_REFUNDED)
        lost = policies.lost_lines(order, order.shown_lines) if holds else []
        owns = holds and len(lost) < len(order.shown_lines)
        # What went back is said as such: nobody withdrew it.
        back = {line.pk for line in _returned_lines(kwargs["money"])}
        return super().get_context_data(
            can_retry=mine and bool(self.return_url) and policies.can_retry(order),
            return_url=_order_url(self.return_url, order) if mine else "",
            receipt_url=_order_url(self.receipt_url, order) if mine and paid else "",
            invoice_url=self._invoice_url(order) if mine and paid else "",
            owned_url=resolve_url(self.owned_url) if owns and self.owned_url else "",
            list_url=resolve_url(self.list_url) if self.list_url else "",
            lost=[line for line in lost if line.pk not in back],
            **kwargs,
        )

    def get_buyer_context(self, order: AbstractOrder) -> dict[str, Any]:
        """Return what a buyer sees beside the lines: what was paid, and what went back."""
        money = money_of_buyer(order)
        return {
            "money": money,
            "is_remarkable": _is_remarkable(order, money),
            "test_url": page_of(money[-1].payment) if money else "",
        }

    def _invoice_url(self, order: AbstractOrder) -> str:
        has_invoice = self.invoice_url and policies.invoiced_payment(order)
        return _order_url(self.invoice_url, order) if has_invoice else ""

    def get_seller_context(self, order: AbstractOrder) -> dict[str, Any]:
        """Return what a seller sees beside the lines: money, reasons to look, ways to refund."""
        user = self.request.user
        reasons = order.attention.split()
        twice = bool(self.refund_url) and Attention.PAID_TWICE in reasons
        return {
            "money": money_of_seller(order, user),
            "reasons": [Attention(code) for code in reasons],
            "refund_url": _order_url(self.refund_url, order),
            "can_refund_second": twice and policies.can_refund_second(order, user),
            "refund_key": new_refund_key(),
        }


def _returned_lines(money: Sequence[PaymentStatement]) -> Iterator[Any]:
    for entry in money:
        for refund in entry.refunds:
            if refund.state == RefundState.SUCCEEDED:
                yield from refund.lines


def _is_remarkable(order: AbstractOrder, money: Sequence[PaymentStatement]) -> bool:
    """Tell whether the order's lines and total alone would not say what happened to the money."""
    return len(money) > 1 or any(
        entry.refunds
        or entry.disputes
        or entry.is_converted
        or entry.payment.tax
        or entry.payment.discount
        or entry.amount != order.total
        for entry in money
    )


class GenericSellerOrderRefundView(_OrderPage):
    """Asks what of an order to refund (GET), and requests it (POST); once for each form.

    A seller refunds what was paid for their own lines, and nothing of others: by line and by
    amount where the provider can. ``payment`` in the address names one of several. A POST with
    ``action=second`` refunds what was paid once too often. What is refused is said politely, with
    400; the provider is asked after the commit. 404 for an order without a line of theirs.
    """

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:seller_order_detail"'),
    }
    template_suffix = "refund"
    form_class: Any = OrderRefundForm
    #: Name of the URL of the seller's page of an order; it takes an order's public id.
    detail_url: str | None = None

    def get_detail_url(self, order: AbstractOrder) -> str:
        """Return the URL of the order's page. Hook: no I/O."""
        assert self.detail_url is not None
        return reverse(self.detail_url, args=[order.public_id])

    def get_payment(self) -> Any:
        """Return the payment that the request names, or the latest one; 404 where none came."""
        payments = [entry.payment for entry in money_of_seller(self.object, self.request.user)]
        named = self.request.POST.get("payment") or self.request.GET.get("payment")
        if named:
            payments = [payment for payment in payments if payment.key == named]
        if not payments:
            raise Http404(_("There is nothing to refund."))
        return payments[-1]

    def get_form(self, refundable: policies.Refundable, data: Any = None) -> Any:
        """Return the form for what can be refunded. Hook."""
        return self.form_class(data, refundable=refundable)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        payment = self.get_payment()
        try:
            refundable = policies.refundable_by_seller(payment, request.user)
        except RefundRefused as error:
            return self.answer(payment, None, None, problem=str(error), status=200)
        under_way = policies.refund_under_way(payment)
        problem = _("A refund of this payment is under way: wait for it.") if under_way else ""
        return self.answer(
            payment, refundable, None if under_way else self.get_form(refundable), problem=problem
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Request the refund that the form asks for, and go back to the order."""
        self.object = self.get_object()
        if request.POST.get("action") == "second":
            return self.refund_second()
        # The second click: what it asks for may have been all that there was.
        if policies.is_refund_requested(self.object, request.POST.get("key", "")):
            return self.requested()
        payment = self.get_payment()
        try:
            refundable = policies.refundable_by_seller(payment, request.user)
        except RefundRefused as error:
            return self.answer(payment, None, None, problem=str(error), status=400)
        form = self.get_form(refundable, request.POST)
        if not form.is_valid():
            return self.answer(payment, refundable, form, status=400)
        try:
            flows.request_refund(
                payment,
                lines=form.chosen_lines,
                amount=form.cleaned_data.get("amount"),
                actor=request.user,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
            )
        except RefundRefused as error:
            return self.answer(payment, refundable, form, problem=str(error), status=400)
        return self.requested()

    def refund_second(self) -> HttpResponse:
        """Refund what the buyer paid once too often; only where all of the order is the seller's.

        Otherwise it is money of others too, and those who run the shop decide.
        """
        if not policies.sells_all_of(self.object, self.request.user):
            raise Http404(_("There is nothing to refund."))
        try:
            flows.refund_second_payment(
                self.object,
                actor=self.request.user,
                reason=_("Paid twice"),
                key=self.request.POST.get("key", "").replace("\x00", ""),
            )
        except RefundRefused as error:
            messages.warning(self.request, str(error))
            return SeeOther(self.get_detail_url(self.object))
        return self.requested()

    def requested(self) -> HttpResponse:
        """Go back to the order, and say that the refund is requested."""
        messages.success(
            self.request, _("The refund is requested. This page shows what the provider says.")
        )
        return SeeOther(self.get_detail_url(self.object))

    def answer(
        self, payment: Any, refundable: Any, form: Any, *, problem: str = "", status: int = 200
    ) -> HttpResponse:
        """Show the page."""
        context = self.get_context_data(
            payment=payment,
            refundable=refundable,
            form=form,
            problem=problem,
            detail_url=self.get_detail_url(self.object),
        )
        response = self.render_to_response(context, status=status)
        add_never_cache_headers(response)
        return response


class GenericOrderReceiptView(_OrderPage):
    """What was paid, to print or keep. 404 for an order that was never paid."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    open_under_construction = "owners-read"
    template_suffix = "receipt"
    #: Who sells, as it stands on the receipt; None is the site's host name.
    seller_name: str | None = None

    def get_queryset(self) -> Any:
        return super().get_queryset().exclude(paid_at=None)

    def get_seller_name(self) -> str:
        """Return who sells. Hook: no I/O."""
        return str(self.seller_name or urlsplit(site_url()).hostname or "")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``seller_name``, and the ``payments`` and ``refunds`` that succeeded."""
        payments = self.object.payments.filter(state=PaymentState.SUCCEEDED).order_by("pk")
        refunds = [
            refund
            for payment in payments.prefetch_related("refunds")
            for refund in payment.refunds.all()
            if refund.state == RefundState.SUCCEEDED
        ]
        return super().get_context_data(
            money=money_of_buyer(self.object),
            seller_name=self.get_seller_name(),
            payments=payments,
            refunds=sorted(refunds, key=lambda refund: refund.state_at),
            **kwargs,
        )


class GenericOrderInvoiceView(OutsideTransactionView, _OrderPage):
    """The provider's invoice of an order, a PDF, handed on by the site: nobody else can fetch it.

    404 for an order that is not the customer's own, was never paid, or whose provider makes none;
    back to the order, with a message, where the provider does not answer. Nothing is kept.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:order_detail"'),
    }
    template_suffix = "invoice"
    #: Name of the URL of an order's page; it takes an order's public id.
    detail_url: str | None = None

    def get_detail_url(self, order: AbstractOrder) -> str:
        """Return the URL of an order's page. Hook: no I/O."""
        return _order_url(self.detail_url, order)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order = self.get_object()
        payment = policies.invoiced_payment(order)
        if payment is None:
            raise Http404(_("There is no invoice of this order."))
        try:
            backend = payment_backends[payment.alias]
            invoice = call_provider(backend.fetch_invoice, str(payment.provider_reference))
        except Exception:
            logger.exception("Provider %r gave no invoice.", payment.alias)
            messages.warning(request, _("The invoice cannot be fetched now. Please try again."))
            return SeeOther(self.get_detail_url(order))
        name = f"invoice-{order.public_id}.pdf"
        response = HttpResponse(invoice, content_type="application/pdf")
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        # Somebody else's file under our name: no browser may take it for a page of ours.
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        add_never_cache_headers(response)
        return response


class GenericCustomerPortalView(OutsideTransactionView, View):
    """Sends a customer to the provider's own page for them: invoices, ways to pay.

    POST only: the address is made for this click, and opens the page to whoever has it. 404 for a
    customer whom no provider knows.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "return_url": ("get_return_url", '"shop:order_list"'),
    }
    http_method_names = ["post", "options"]
    #: URL, or its name, of the page that the provider leads back to.
    return_url: str | None = None

    def get_return_url(self) -> str:
        """Return the path that the provider leads back to. Hook: no I/O."""
        assert self.return_url is not None
        return resolve_url(self.return_url)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask the provider for an address, and go there."""
        known = policies.portal_of(request.user)
        if known is None:
            raise Http404(_("No payment provider has a page for you."))
        alias, customer = known
        back = self.get_return_url()
        try:
            backend = payment_backends[alias]
            url = call_provider(backend.portal_url, customer, absolute_url(back))
            schemes = ("https", "http") if backend.is_test else ("https",)
            parts = urlsplit(url)
            if parts.scheme not in schemes or not parts.hostname:
                raise ValueError("The address of the portal is no page under HTTPS.")
        except Exception:
            logger.exception("Provider %r gave no page for a customer.", alias)
            messages.warning(request, _("That page cannot be opened now. Please try again."))
            return SeeOther(back)
        response = SeeOther(url)
        add_never_cache_headers(response)
        return response


def _order_url(name: str | None, order: AbstractOrder) -> str:
    return reverse(name, args=[order.public_id]) if name else ""
