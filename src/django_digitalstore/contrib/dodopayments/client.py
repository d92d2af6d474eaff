"""Dodo's SDK, tamed: no hidden retries, no redirects, no models that guess, errors of our own.

The SDK is imported with the first call, and its answers are read as JSON: its models take a page of
HTML for an answer, and turn integers into floats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from django_digitalstore.payments.exceptions import ProviderRefused, ProviderUnavailable

if TYPE_CHECKING:
    import httpx
    from dodopayments import DodoPayments

__all__ = [
    "BASE_URLS",
    "Answer",
    "Failed",
    "Refused",
    "StrangeAnswer",
    "ask",
    "ask_for_bytes",
    "make_client",
]

#: Where Dodo's environments are. Written here, because the SDK's own choice also depends on
#: variables of the environment.
BASE_URLS = {
    "test_mode": "https://test.dodopayments.com",
    "live_mode": "https://live.dodopayments.com",
}

#: Statuses below 500 that leave open what happened, or only ask for patience.
_UNCERTAIN = frozenset({408, 425, 429})
_E_MAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")


class Refused(ProviderRefused):
    """Dodo says no, with an HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status

    @property
    def is_gone(self) -> bool:
        """Tell whether what was asked about is not there, or not any more."""
        return self.status in (404, 410) or self.code == "PRODUCT_IS_DELETED"


class Failed(ProviderUnavailable):
    """Dodo answered that it failed, or that it is too busy."""


class StrangeAnswer(ProviderUnavailable):
    """Dodo answered, and not as it says that it does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Dodo answered, empty for an answer without a body, and when, by Dodo's clock."""

    data: Mapping[str, Any]
    at: datetime


def make_client(
    *, api_key: str, base_url: str, timeout: float, transport: httpx.BaseTransport | None = None
) -> DodoPayments:
    """Return a client that never retries and never follows a redirect. ``timeout`` in seconds."""
    import httpx
    from dodopayments import DefaultHttpxClient, DodoPayments

    # A redirected POST would become a GET.
    how: dict[str, Any] = {"follow_redirects": False}
    if transport is not None:
        how["transport"] = transport
    limit = httpx.Timeout(timeout, connect=min(timeout, 5.0))
    return DodoPayments(
        bearer_token=api_key,
        base_url=base_url,
        timeout=limit,
        max_retries=0,
        http_client=DefaultHttpxClient(timeout=limit, **how),
    )


def ask(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Answer:
    """Call a ``with_raw_response`` method of the SDK and return its answer.

    Raises ``ProviderRefused`` where Dodo says no, ``ProviderUnavailable`` for all else.
    """
    response = _call(call, *args, **kwargs)
    text = response.text()
    data: Any = {}
    if text.strip():
        try:
            data = json.loads(text)
        except ValueError:
            data = None
    if not isinstance(data, dict):
        raise StrangeAnswer("Dodo Payments answered with something that is no JSON object.")
    return Answer(data, _time_of(response.headers))


def ask_for_bytes(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> bytes:
    """Call a method of the SDK that returns a file. Raises as ``ask``."""
    return bytes(_call(call, *args, **kwargs).read())


def _call(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    import dodopayments as sdk

    # Nothing is chained: the SDK's errors show what was sent and received, secrets and persons too.
    try:
        return call(*args, **kwargs)
    except sdk.APITimeoutError:
        raise ProviderUnavailable("Dodo Payments did not answer in time.") from None
    except sdk.APIConnectionError as error:
        cause = type(error.__cause__ or error).__name__
        raise ProviderUnavailable(f"Dodo Payments could not be reached ({cause}).") from None
    except sdk.APIStatusError as error:
        raise _error_of(error.status_code, error.body) from None
    except sdk.DodoPaymentsError as error:
        name = type(error).__name__
        raise ProviderUnavailable(f"The SDK of Dodo Payments failed ({name}).") from None


def _error_of(status: int, body: Any) -> Refused | Failed:
    code, text = "", ""
    if isinstance(body, Mapping):
        code = str(body.get("code") or "")[:100]
        text = str(body.get("message") or "")
    elif isinstance(body, str):
        text = body
    # Dodo repeats what it was sent; whoever buys does not belong into logs.
    said = _E_MAIL.sub("…@…", " ".join(text.split())[:300])
    message = f"{status} {code}".strip() + (f": {said}" if said else ".")
    if 400 <= status < 500 and status not in _UNCERTAIN:
        return Refused(status, code or str(status), f"Dodo Payments refused: {message}")
    return Failed(f"Dodo Payments could not do it now: {message}")


def _time_of(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)
