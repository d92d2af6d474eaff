"""Standard Webhooks: signs messages and verifies them, strictly.

Written here and not taken from the library, which takes timestamps like ``1.7e9``, several
spellings of one signature, and six bytes for a secret. The tests compare both.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from .exceptions import WebhookNotVerified

__all__ = [
    "ID_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "VerifiedHeaders",
    "decode_secret",
    "sign",
    "verify",
]

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

_PREFIX = "whsec_"
_SHORTEST_SECRET = 24
_MOST_SIGNATURES = 10
# Without a full stop, which separates the parts of the signed text. [0-9] and not \d, which is
# every script's digits; twelve of them, so that milliseconds are no timestamp.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_VERSIONED = re.compile(r"([A-Za-z0-9]{1,16}),([!-~]{1,512})")


@dataclass(frozen=True, slots=True)
class VerifiedHeaders:
    """What the signature vouches for besides the body."""

    message_id: str
    #: When this delivery was attempted, in seconds since 1970.
    timestamp: int


def decode_secret(secret: str) -> bytes:
    """Return the key that ``secret`` (``whsec_`` and base64) stands for.

    Raises ``ImproperlyConfigured`` where it is empty, malformed, or shorter than 24 bytes: a
    short key verifies what anybody may forge. The message never shows the secret.
    """
    if not isinstance(secret, str) or not secret:
        raise ImproperlyConfigured(
            "The webhook secret is empty, so that anybody could forge a message. "
            "Write the one that the provider shows, 'whsec_…'."
        )
    encoded = secret.removeprefix(_PREFIX)
    if encoded == secret:
        raise ImproperlyConfigured(
            "The webhook secret does not begin with 'whsec_'. "
            "Write it whole and without spaces, as the provider shows it."
        )
    bare = encoded.rstrip("=")
    padding = "=" * (-len(bare) % 4)
    try:
        # Padding may be left out, as some providers do, but neither be wrong.
        if encoded not in (bare, bare + padding):
            raise ValueError("wrong padding")
        key = base64.b64decode(bare + padding, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(
            "The webhook secret is not base64 after 'whsec_'. "
            "Write it whole and without spaces, as the provider shows it."
        ) from None
    if len(key) < _SHORTEST_SECRET:
        raise ImproperlyConfigured(
            f"The webhook secret holds {len(key)} bytes, and at least {_SHORTEST_SECRET} are "
            "needed. Write it whole, or have the provider make a new one."
        )
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the ``webhook-signature`` header: "v1," and base64.

    Raises ``ImproperlyConfigured`` as ``decode_secret``, ``ValueError`` for an id or a timestamp
    that no verifier may take.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(
            f"{message_id!r} is not a message id. Write 1 to 255 letters, digits, '_' and '-'."
        )
    if not _TIMESTAMP.fullmatch(str(timestamp)):
        raise ValueError(f"{timestamp!r} is not a timestamp. Write whole seconds since 1970.")
    return f"v1,{_digest(decode_secret(secret), message_id, str(timestamp), body)}"


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: int | None = None,
    tolerance: int = 300,
) -> VerifiedHeaders:
    """Prove that one of ``secrets`` signed ``body``, not more than ``tolerance`` seconds from now.

    Several secrets are for a rotation; any may have signed. Header names may have any case.
    Raises only ``WebhookNotVerified`` for whatever was sent; ``ImproperlyConfigured`` where
    ``secrets`` are missing or wrong, which is the site's mistake and not the sender's.
    """
    if isinstance(secrets, str) or not secrets:
        raise ImproperlyConfigured(
            "There is no webhook secret to verify with. Pass a list: ['whsec_…']."
        )
    keys = [decode_secret(secret) for secret in secrets]
    message_id, timestamp, signatures = _signed_headers(headers)
    if not _MESSAGE_ID.fullmatch(message_id):
        raise WebhookNotVerified(
            f"{ID_HEADER} is not 1 to 255 letters, digits, '_' and '-'. Discard the message."
        )
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookNotVerified(
            f"{TIMESTAMP_HEADER} is not a whole number of seconds. Discard the message."
        )
    current = int(time.time()) if now is None else now
    if abs(current - int(timestamp)) > tolerance:
        raise WebhookNotVerified(
            f"{TIMESTAMP_HEADER} is more than {tolerance} seconds from now. Discard the message; "
            "if all are, set the server's clock."
        )
    if not isinstance(body, bytes):
        raise WebhookNotVerified("The body is not bytes. Pass the raw body of the request.")
    given = _signatures(signatures)
    # The expected text is compared and nothing is decoded: base64 spells one digest in many ways.
    expected = [_digest(key, message_id, timestamp, body).encode() for key in keys]
    matches = [hmac.compare_digest(mine, theirs) for mine in expected for theirs in given]
    if not any(matches):
        raise WebhookNotVerified(
            f"No signature in {SIGNATURE_HEADER} is right. Discard the message; if all are wrong, "
            "compare the webhook secret with the provider's."
        )
    return VerifiedHeaders(message_id=message_id, timestamp=int(timestamp))


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _signed_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the message's id, timestamp and signatures, each sent once, under any case."""
    sent: dict[str, list[str]] = {ID_HEADER: [], TIMESTAMP_HEADER: [], SIGNATURE_HEADER: []}
    for key, value in headers.items():
        if isinstance(key, str) and (name := key.lower()) in sent:
            sent[name].append(value)
    for name, values in sent.items():
        if not values:
            raise WebhookNotVerified(f"The header {name} is missing. Discard the message.")
        if len(values) > 1 or not isinstance(values[0], str):
            raise WebhookNotVerified(f"The header {name} is ambiguous. Discard the message.")
    return [values[0] for values in sent.values()]


def _signatures(header: str) -> list[bytes]:
    """Return the texts of the v1 signatures; other versions are not ours to judge."""
    # One more than is allowed is enough to see that there are too many.
    pieces = header.split(" ", _MOST_SIGNATURES)
    if len(pieces) > _MOST_SIGNATURES:
        raise WebhookNotVerified(
            f"{SIGNATURE_HEADER} holds more than {_MOST_SIGNATURES} signatures. "
            "Discard the message."
        )
    found = []
    for piece in pieces:
        versioned = _VERSIONED.fullmatch(piece)
        if versioned is None:
            raise WebhookNotVerified(
                f"{SIGNATURE_HEADER} is not a list of signatures like 'v1,…'. Discard the message."
            )
        version, text = versioned.groups()
        if version == "v1":
            found.append(text.encode())
    return found
