"""A payment provider, Acme Pay, that speaks Standard Webhooks."""

from datetime import UTC, datetime

from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.backends import BasePaymentBackend, Checkout, Message
from django_digitalstore.payments.events import PaymentReported, RefundReported
from django_digitalstore.payments.exceptions import WebhookInvalid
from django_digitalstore.payments.reader import Reader


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
        facts = self.call(f"checkouts/{reference}/payments")
        return [self.payment(Reader(fact, "fact")) for fact in facts]

    def verify(self, body, headers):
        verified = standard_webhooks.verify(self.webhook_secrets, headers, body)
        sent_at = datetime.fromtimestamp(verified.timestamp, UTC)
        return Message(id=verified.message_id, sent_at=sent_at, body=body)

    def normalize(self, message):
        body = Reader(message.data)
        match message.data.get("type"):
            case "payment":
                return [self.payment(body.object("data"))]
            case "refund":
                return [self.refunded(body.object("data"))]
        return []  # a type that we don't act on

    def payment(self, data):
        states = {"paid": "succeeded", "refused": "failed"}
        if data.text("state") not in states:
            raise WebhookInvalid(data.at("state"), f"must be one of {', '.join(states)}.")
        return PaymentReported(
            payment=data.text("id"),
            checkout=data.text("checkout"),
            state=states[data.text("state")],
            amount=data.amount("amount"),
            currency=data.currency("currency"),
            occurred_at=data.unix_time("at"),
        )

    def refunded(self, data):
        return RefundReported(
            refund=data.text("id"),
            payment=data.text("payment"),
            state="succeeded",
            amount=data.amount("amount"),
            currency=data.currency("currency"),
            occurred_at=data.unix_time("at"),
        )

    def call(self, path, **fields):
        """Ask Acme, here by whatever client they publish."""
        return {"id": f"cs_{fields['key']}", "url": "https://pay.acme.example/"} if fields else []
