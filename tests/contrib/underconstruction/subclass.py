"""A host's own middleware: sellers come in too, and one more page is open."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from django_digitalstore.contrib.underconstruction.middleware import UnderConstructionMiddleware
from django_digitalstore.core.roles import SELLER, has_role


class Ours(UnderConstructionMiddleware):
    def is_open(self, request: HttpRequest) -> bool:
        return request.path == "/plain/" or super().is_open(request)

    def may_come_in(self, user: Any) -> bool:
        return super().may_come_in(user) or (user is not None and has_role(user, SELLER))
