"""Errors of payments."""

from django.core.exceptions import SuspiciousOperation

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = ["WebhookInvalid", "WebhookNotVerified"]


class WebhookNotVerified(DigitalStoreError, SuspiciousOperation):
    """A webhook message is not proven to come from the provider. Nothing of it may be used."""


class WebhookInvalid(DigitalStoreError):
    """A webhook message is authentic and of a known type, and one of its fields is wrong."""

    #: Where the field stands in the body, as in ``"data.payment.total_amount"``.
    path: str

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem

    def __reduce__(self) -> tuple[type["WebhookInvalid"], tuple[str, str]]:
        return type(self), (self.path, self.problem)
