"""What Dodo delivers to a site: its own bodies with real signatures, and bodies that are odd."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments.backends import Message
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.exceptions import WebhookInvalid
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import place_order, post_webhook
from tests.contrib.dodopayments.peer import ABSENT, WEBHOOKS

BODIES = sorted(WEBHOOKS.glob("*.json"))
KINDS = [path.stem for path in BODIES]
OURS = [kind for kind in KINDS if kind.partition(".")[0] in ("payment", "refund", "dispute")]


def body(kind: str) -> dict[str, Any]:
    return json.loads((WEBHOOKS / f"{kind}.json").read_text("utf-8"))


@pytest.fixture
def attempt(peer, customer, make_product):
    """An order whose checkout is the one that Dodo's own bodies speak of."""
    product = make_product(price=1999)
    attempt = place_order(customer, product)
    peer.sessions["cks_Demo0001"] = peer.sessions.pop(attempt.checkout_reference)
    type(attempt).objects.guarded_for_tests = None  # replaced below
    return attempt


def normalize(backend: Any, message: dict[str, Any]) -> list[Any]:
    raw = json.dumps(message).encode()
    sent_at = datetime(2026, 11, 22, 13, tzinfo=UTC)
    return list(backend.normalize(Message(id="msg_1", sent_at=sent_at, body=raw, data=message)))
