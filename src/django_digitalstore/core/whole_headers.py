"""E-mails whose further headers reach mail programs as they were written."""

from __future__ import annotations

from email.headerregistry import HeaderRegistry, UnstructuredHeader
from email.policy import EmailPolicy, Policy
from typing import Any

from django.core.mail import EmailMultiAlternatives

__all__ = ["WholeHeadersEmail"]


class _WholeHeader(UnstructuredHeader):
    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # of BaseHeader


_make_header = HeaderRegistry(default_class=_WholeHeader, use_default_map=False)


class WholeHeadersEmail(EmailMultiAlternatives):
    """Keeps ``extra_headers`` on one line each.

    Python writes a header's word of more than a line as encoded words (RFC 2047), also where it is
    a URL that programs read: no mail program finds ``List-Unsubscribe`` in these. Django before 6.0
    uses an older part of Python, which doesn't.
    """

    def message(self, *args: Any, **kwargs: Any) -> Any:
        """Return the message as Django makes it, with these headers whole."""
        message: Any = super().message(*args, **kwargs)
        if isinstance(message.policy, EmailPolicy):
            for name, value in self.extra_headers.items():
                if str(value).isascii() and name in message:
                    del message[name]
                    message[name] = _make_header(name, str(value))
        return message
