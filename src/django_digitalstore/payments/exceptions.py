"""Errors of payments."""

from typing import Any

from django.core.exceptions import SuspiciousOperation

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = [
    "AlreadyOwned",
    "CheckoutRefused",
    "CheckoutUnavailable",
    "ItemNotSynced",
    "NotReconciled",
    "PaymentNotRecorded",
    "ProviderRefused",
    "ProviderUnavailable",
    "RefundRefused",
    "RefundUnsettled",
    "WebhookInvalid",
    "WebhookNotOurs",
    "WebhookNotVerified",
]


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


class WebhookNotOurs(DigitalStoreError):
    """A webhook message is authentic and not for this store: another account, another environment.

    The inbox keeps it as unmatched, with this message.
    """


class CheckoutRefused(DigitalStoreError):
    """This buyer cannot buy this. ``code`` is for programs, the message for the buyer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AlreadyOwned(CheckoutRefused):
    """The buyer owns ``product`` already: show the way to the download."""

    def __init__(self, product: Any, message: str) -> None:
        super().__init__("already_owned", message)
        self.product = product


class CheckoutUnavailable(DigitalStoreError):
    """The provider could not open a checkout now. The order stays; the buyer may try again."""


class ItemNotSynced(DigitalStoreError):
    """A provider's product could not be made what ours is. The message is for the seller.

    ``is_busy`` where another process is at it: nothing failed, and a little later it is done.
    """

    def __init__(self, message: str, *, is_busy: bool = False) -> None:
        super().__init__(message)
        self.is_busy = is_busy


class ProviderRefused(DigitalStoreError):
    """The provider answered, for certain, that it did not do it and will not. Backends raise it.

    ``code`` is the provider's own word for the reason. Whatever else a backend raises leaves open
    what the provider did.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ProviderUnavailable(DigitalStoreError):
    """The provider gave no answer that can be used: what it did, if anything, nobody knows.

    Backends raise it instead of their SDK's errors. The message is for the seller; it holds no
    secret and no person.
    """


class RefundRefused(DigitalStoreError):
    """This payment cannot be refunded so. ``code`` is for programs, the message for who asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RefundUnsettled(DigitalStoreError):
    """A refund was sent, and what became of it is not known yet: it is asked for again later."""


class PaymentNotRecorded(DigitalStoreError):
    """A payment or refund from elsewhere cannot be recorded so. The message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotReconciled(DigitalStoreError):
    """A provider could not be asked what happened, or what it said could not be applied."""
