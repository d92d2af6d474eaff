"""What a running catalog can raise."""

from django.core.exceptions import PermissionDenied, ValidationError

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = ["NotYourProduct", "ProductNotReady"]


class NotYourProduct(DigitalStoreError, PermissionDenied):
    """Somebody who is neither the seller nor staff was about to change what is for sale."""


class ProductNotReady(DigitalStoreError, ValidationError):
    """A product, a category or a file is not as it must be. Its errors are named by field."""
