"""The door of the webhook inbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.decorators import classonlymethod
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_digitalstore.core.views import outside_transaction

from . import inbox

__all__ = ["PaymentWebhookView"]


class PaymentWebhookView(View):
    """Takes a provider's webhooks; see ``inbox`` for what becomes of them. POST only."""

    http_method_names = ["post"]
    #: Money arrives while the site is closed too: see ``contrib.underconstruction``.
    open_under_construction = True

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        # On the function: on dispatch() they would be put together anew for each request.
        view = csrf_exempt(login_not_required(super().as_view(**initkwargs)))
        # Under ATOMIC_REQUESTS the row that records a failure would be rolled back.
        return outside_transaction(view)

    def post(self, request: HttpRequest, alias: str, *args: Any, **kwargs: Any) -> HttpResponse:
        limit = settings.DIGITALSTORE_WEBHOOK_MAX_BYTES
        try:
            length = int(request.headers.get("Content-Length") or 0)
        except ValueError:
            length = 0
        if length > limit:
            return self.answer(413, "Too large.")
        try:
            body = request.body
        except RequestDataTooBig:
            return self.answer(413, "Too large.")
        except UnreadablePostError:
            return self.answer(400, "The body could not be read.")
        if len(body) > limit:
            return self.answer(413, "Too large.")
        answer = inbox.receive(alias, body, request.headers)
        return self.answer(answer.status, answer.text)

    def answer(self, status: int, text: str) -> HttpResponse:
        """Return a plain answer: a provider shows it in its dashboard."""
        response = HttpResponse(
            text + "\n", status=status, content_type="text/plain; charset=utf-8"
        )
        response["Cache-Control"] = "no-store"
        if status == 503:
            response["Retry-After"] = "5"
        return response
