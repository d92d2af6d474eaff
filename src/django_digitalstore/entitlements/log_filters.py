"""Keeps links to files out of the site's log."""

from __future__ import annotations

import logging
import re

__all__ = ["LinkFilter"]

#: What a signer of Django's with a timestamp makes: the content, base62 seconds, the signature.
_TOKEN = re.compile(r"[\w.-]+:[0-9A-Za-z]{6}:[\w-]{43}")
_HIDDEN = "(a link)"


class LinkFilter(logging.Filter):
    """Takes the token out of every address that is logged, and lets each record pass.

    Django logs the address of what it refuses; a refused link may work again, or for its owner.
    ``django.request`` has it by itself; give it to other handlers that write addresses.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Hide the tokens in the record's message and arguments."""
        if isinstance(record.msg, str):
            record.msg = _TOKEN.sub(_HIDDEN, record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(
                _TOKEN.sub(_HIDDEN, value) if isinstance(value, str) else value
                for value in record.args
            )
        return True
