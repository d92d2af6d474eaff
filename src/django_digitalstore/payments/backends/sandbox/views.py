"""The sandbox's pay page: what a buyer sees at a real provider."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from django_digitalstore.core.flow import retry_transaction
from django_digitalstore.core.site_url import site_url

from . import console, provider
from .models import SandboxCheckout

__all__ = ["SandboxPayView"]

_OUTCOMES = {"pay": "succeeded", "late": "late", "decline": "failed"}


@method_decorator([login_not_required, never_cache], name="dispatch")
class SandboxPayView(View):
    """Pay, pay late, decline or go back; afterwards refund, dispute, and repeat messages.

    It knows its checkout by an unguessable token. The store learns all of it by signed webhooks,
    which a thread posts after the request.
    """

    http_method_names = ["get", "head", "post"]
    #: No shop closes the page of its provider: see ``contrib.underconstruction``.
    open_under_construction = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.DIGITALSTORE_TEST_MODE:
            raise Http404("The sandbox exists in DIGITALSTORE_TEST_MODE only.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.page(request, get_object_or_404(SandboxCheckout, pk=token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        checkout = get_object_or_404(SandboxCheckout, pk=token)
        action = request.POST.get("action", "")
        if action == "cancel":
            return HttpResponseRedirect(self.on_this_site(checkout.cancel_url))
        try:
            # The courier may be writing: on SQLite whoever comes second begins again.
            retry_transaction(partial(self.act, checkout, action))
        except KeyError:
            return self.page(request, checkout, status=400)
        except console.NothingToDo:
            return self.page(request, checkout, status=409)
        # The test client has no server that could be posted to: tests deliver by
        # `payments.testing.deliver_webhooks(client)`.
        if request.META.get("SERVER_NAME") != "testserver":
            provider.start_courier(self.own_address(request))
        if action in ("pay", "late"):
            return HttpResponseRedirect(self.on_this_site(checkout.return_url))
        if action == "decline":
            return self.page(request, checkout)
        # Reloading the page must not repeat what was done.
        return HttpResponseRedirect(request.path)

    def act(self, checkout: SandboxCheckout, action: str) -> None:
        """Do what a button says. Raises ``KeyError`` for none of them, and ``NothingToDo``."""
        if action == "out_of_order":
            console.pay_out_of_order(checkout)
        elif action in _OUTCOMES:
            provider.pay(checkout, _OUTCOMES[action])
        else:
            console.act(checkout, action)

    def on_this_site(self, url: str) -> str:
        """Return the path of a URL of this site: the buyer stays at the address they opened.

        A session belongs to a host name, and 127.0.0.1 is another one than localhost.
        """
        return url.removeprefix(site_url()) or "/"

    def own_address(self, request: HttpRequest) -> str:
        """Return where this process serves: without a site URL, the port it was started on."""
        if settings.DIGITALSTORE_SITE_URL:
            return site_url()
        return f"http://127.0.0.1:{request.META.get('SERVER_PORT', '8000')}"

    def page(
        self, request: HttpRequest, checkout: SandboxCheckout, status: int = 200
    ) -> HttpResponse:
        """Show the amount, what is bought, what happened, and the buttons."""
        told = console.look_at(checkout)
        context = {
            "checkout": checkout,
            "told": told,
            "last": told.last,
            "return_url": self.on_this_site(checkout.return_url),
        }
        return TemplateResponse(
            request, "digitalstore/payments/sandbox/pay.html", context, status=status
        )
