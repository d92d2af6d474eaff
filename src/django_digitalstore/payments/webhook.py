"""The door of the webhook inbox."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from . import inbox

__all__ = ["PaymentWebhookView"]


# non_atomic_requests: under ATOMIC_REQUESTS the row that records a failure would be rolled back.
@method_decorator(
    [csrf_exempt, login_not_required, never_cache, transaction.non_atomic_requests], name="dispatch"
)
class PaymentWebhookView(View):
    """Takes a provider's webhooks; see ``inbox`` for what becomes of them. POST only."""

    http_method_names = ["post"]
    #: Money arrives while the site is closed too: see ``contrib.underconstruction``.
    open_under_construction = True

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
        if status == 503:
            response["Retry-After"] = "5"
        return response
