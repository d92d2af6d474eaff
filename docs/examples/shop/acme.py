"""A payment provider, Acme Pay, that speaks Standard Webhooks."""

from datetime import UTC, datetime

from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.backends import BasePaymentBackend, Checkout, Message
from django_digitalstore.payments.events import PaymentReported, RefundReported
from django_digitalstore.payments.exceptions import WebhookInvalid


class AcmeBackend(BasePaymentBackend):
    required_options = frozenset({"SECRET"})

    def __init__(self, alias, options):
        super().__init__(alias, options)
        standard_webhooks.decode_secret(options["SECRET"])  # refuses a bad one at the start

    @property
    def webhook_secrets(self):
        return (self.options["SECRET"],)

    def create_checkout(self, attempt):
        session = self.call("checkouts", key=attempt.key, amount=attempt.amount)
        return Checkout(reference=session["id"], url=session["url"])

    def fetch_checkout(self, reference):
        # The same facts as the webhook brings, asked for.
        return [self.payment(fact, "fact") for fact in self.call(f"checkouts/{reference}/payments")]

    def verify(self, body, headers):
        verified = standard_webhooks.verify(self.webhook_secrets, headers, body)
        sent_at = datetime.fromtimestamp(verified.timestamp, UTC)
        return Message(id=verified.message_id, sent_at=sent_at, body=body)

    def normalize(self, message):
        match message.data:
            case {"type": "payment", "data": dict(data)}:
                return [self.payment(data, "data")]
            case {"type": "refund", "data": dict(data)}:
                return [self.refunded(data, "data")]
        return []  # a type that we don't act on

    def payment(self, data, path):
        return PaymentReported(
            payment=required(data, "id", str, path),
            checkout=required(data, "checkout", str, path),
            state=one_of(data, "state", {"paid": "succeeded", "refused": "failed"}, path),
            amount=required(data, "amount", int, path),
            currency=required(data, "currency", str, path),
            occurred_at=time_of(data, path),
        )

    def refunded(self, data, path):
        return RefundReported(
            refund=required(data, "id", str, path),
            payment=required(data, "payment", str, path),
            state="succeeded",
            amount=required(data, "amount", int, path),
            currency=required(data, "currency", str, path),
            occurred_at=time_of(data, path),
        )

    def call(self, path, **fields):
        """Ask Acme, here by whatever client they publish."""
        return {"id": f"cs_{fields['key']}", "url": "https://pay.acme.example/"} if fields else []


def required(data, name, kind, path):
    """Read a field, or name its place: a webhook is only as good as what is checked."""
    value = data.get(name)
    if type(value) is not kind or (kind is str and not value) or (kind is int and value < 0):
        raise WebhookInvalid(f"{path}.{name}", f"must be {kind.__name__}, and not empty.")
    return value


def one_of(data, name, known, path):
    value = required(data, name, str, path)
    if value not in known:
        raise WebhookInvalid(f"{path}.{name}", f"must be one of {', '.join(known)}.")
    return known[value]


def time_of(data, path):
    try:
        return datetime.fromtimestamp(required(data, "at", int, path), UTC)
    except (OverflowError, ValueError, OSError):
        raise WebhookInvalid(f"{path}.at", "must be seconds since 1970.") from None
