"""Stripe's webhook signatures: ``Stripe-Signature: t=…,v1=…``, strictly.

Stripe signs ``<timestamp>.<body>`` with HMAC-SHA256, keyed by the whole secret as text
(https://docs.stripe.com/webhooks#verify-manually). Written here because the library takes any time
to come and raises errors of its own for what a stranger may send; the tests compare both.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from django_digitalstore.payments.exceptions import WebhookNotVerified

__all__ = ["HEADER", "check_secret", "sign", "verify"]

HEADER: Final = "Stripe-Signature"

_TOLERANCE = 300  # seconds, either way
_SHORTEST_SECRET = 24
_MOST_SIGNATURES = 10
# [0-9] and not \d, which is every script's digits.
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def check_secret(secret: object) -> str:
    """Return a webhook secret that can be one.

    Raises ``ImproperlyConfigured`` for one that is empty or too short: a short key verifies what
    anybody may forge. The message never shows the secret.
    """
    if not isinstance(secret, str) or not secret.startswith("whsec_"):
        raise ImproperlyConfigured(
            "The webhook secret of Stripe does not begin with 'whsec_'. "
            "Write the signing secret of this endpoint, as Stripe's dashboard shows it."
        )
    if len(secret) < _SHORTEST_SECRET or secret.strip() != secret:
        raise ImproperlyConfigured(
            f"The webhook secret of Stripe has {len(secret)} characters or a space at its end. "
            f"Write it whole, as Stripe's dashboard shows it."
        )
    return secret


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the signature header for ``body``. For tests, and for nobody else."""
    return f"t={timestamp},v1={_digest(secret, timestamp, body)}"


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> int:
    """Return the signed time of a delivery, in seconds since 1970.

    Raises ``WebhookNotVerified``, and nothing else, unless one of ``secrets`` signed exactly these
    bytes at most five minutes ago (or ahead, by a clock that goes wrong).
    """
    header = {name.lower(): value for name, value in headers.items()}.get(HEADER.lower(), "")
    timestamp, signatures = _parts(header)
    distance = abs((time.time() if now is None else now) - timestamp)
    if distance > _TOLERANCE:
        raise WebhookNotVerified(
            f"The signature is {distance:.0f} seconds away from now; at most {_TOLERANCE} are "
            f"allowed. A replay, or a clock that is wrong."
        )
    for secret in secrets:
        expected = _digest(secret, timestamp, body)
        if any(hmac.compare_digest(expected, signature) for signature in signatures):
            return timestamp
    raise WebhookNotVerified("No signature of the message is made with our secret.")


def _parts(header: str) -> tuple[int, list[str]]:
    timestamp = ""
    signatures = []
    for part in header.split(",", 2 + _MOST_SIGNATURES):
        name, _, value = part.strip().partition("=")
        if name == "t":
            if timestamp or not _TIMESTAMP.fullmatch(value):
                raise WebhookNotVerified("The signature's timestamp is malformed.")
            timestamp = value
        elif name == "v1" and _DIGEST.fullmatch(value):
            signatures.append(value)
    if not timestamp or not signatures:
        raise WebhookNotVerified(f"The header {HEADER} is missing or malformed.")
    return int(timestamp), signatures[:_MOST_SIGNATURES]


def _digest(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
