"""Keeps mails as files instead of sending them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmailBackend(BaseEmailBackend):
    """Writes each mail to a file of ``MAILS_DIR``, whose name begins with the time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the mails and return how many."""
        settings.MAILS_DIR.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{time.time_ns():020}-{uuid4().hex[:8]}"
            unfinished = settings.MAILS_DIR / f"{name}.part"
            unfinished.write_bytes(message.message().as_bytes())
            unfinished.rename(settings.MAILS_DIR / f"{name}.eml")
        return len(email_messages)
