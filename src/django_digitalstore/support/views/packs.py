"""The checkout of more support: the ordinary one, for a line of another kind."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest

from django_digitalstore.payments.views import GenericCheckoutView
from django_digitalstore.support.fulfilments import KIND

__all__ = ["GenericSupportCheckoutView"]


class GenericSupportCheckoutView(GenericCheckoutView):
    """Sells the pack of requests of the product whose ``slug`` the address has.

    Everything else is as in ``GenericCheckoutView``. Only owners of the product buy support for it:
    anybody else reads so, with 400.
    """

    line_kind: ClassVar[str] = KIND

    def get_slugs(self) -> list[str]:
        """Return the one product of the address, whatever the form says."""
        return [self.kwargs["slug"]]

    def get_login_next(self, request: HttpRequest) -> str:
        return request.get_full_path()
