"""Codes that are made at random: hard to guess, easy to read out."""

from __future__ import annotations

import secrets

from django.conf import settings

__all__ = ["ALPHABET", "new_code"]

#: Letters and digits, without those that look alike: 0 O o, 1 I l.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"


def new_code() -> str:
    """Return a random code of ``DIGITALSTORE_SHORTURLS_CODE_LENGTH`` characters. No I/O."""
    length = settings.DIGITALSTORE_SHORTURLS_CODE_LENGTH
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
