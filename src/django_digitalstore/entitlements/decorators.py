"""Protects a host's own page: only owners of a product see it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_product_model

from . import policies
from .exceptions import NotEntitled

__all__ = ["not_entitled", "requires_product"]

GetProduct = Callable[..., Any]
OnNotEntitled = Callable[[HttpRequest, Any], HttpResponseBase]


def not_entitled(product: Any) -> NotEntitled:
    """Return the error that names what to buy. Raised, it is the 403 page."""
    return NotEntitled(
        _("This page is for those who own “%(product)s”. Buy it to see the page.")
        % {"product": product},
        product,
    )


def requires_product(
    get_product: GetProduct | None = None,
    *,
    slug_kwarg: str = "slug",
    on_not_entitled: OnNotEntitled | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only those see a view who own its product; a role never helps.

    ``get_product(request, *args, **kwargs)`` returns the product; without it the product's slug is
    the URL's ``slug_kwarg``, and an unknown one is a 404. ``on_not_entitled(request, product)`` may
    answer instead of the 403 page, as with a redirect to the product::

        @requires_product(on_not_entitled=lambda request, product: redirect(product))
        def lesson(request, slug): ...

    Works on plain and on async views.
    """

    def decorate(view: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        # Without parentheses Django calls this as the view, with what the URL captured.
        if isinstance(view, HttpRequest):
            raise ImproperlyConfigured(
                "@requires_product was written without parentheses, so it took the view for "
                "get_product. Write @requires_product()."
            )

        def refusal(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
            if not request.user.is_authenticated:  # before any query: nothing is told to strangers
                return redirect_to_login(request.get_full_path())
            if get_product is not None:
                product = get_product(request, *args, **kwargs)
            else:
                product = get_object_or_404(get_product_model(), slug=kwargs[slug_kwarg])
            if policies.has_access(request.user, product):
                return None
            if on_not_entitled is not None:
                return on_not_entitled(request, product)
            raise not_entitled(product)

        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def async_wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                answer = await sync_to_async(refusal)(request, *args, **kwargs)
                return answer or await view(request, *args, **kwargs)

            return async_wrapper

        @functools.wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return refusal(request, *args, **kwargs) or view(request, *args, **kwargs)

        return wrapper

    return decorate
