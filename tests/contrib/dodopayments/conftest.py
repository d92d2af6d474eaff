"""A Dodo Payments to talk to, and a site that sells through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from django_digitalstore.payments.backends import payment_backends
from tests.contrib.dodopayments.peer import KEY, SECRET, Peer, PeerBackend


def entry(**options: Any) -> dict[str, Any]:
    """Return an entry of ``DIGITALSTORE_PAYMENTS`` whose requests go to the peer."""
    given = {"ENVIRONMENT": "test_mode", "API_KEY": KEY, "WEBHOOK_SECRET": SECRET, **options}
    return {"BACKEND": f"{PeerBackend.__module__}.PeerBackend", "OPTIONS": given}


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Dodo, in this process; at the end nothing may have been against its document."""
    Peer.current = peer = Peer()
    with override_settings(DIGITALSTORE_PAYMENTS={"default": entry()}):
        yield peer
    assert peer.problems == []


@pytest.fixture
def backend(peer: Peer) -> PeerBackend:
    backend = payment_backends["default"]
    assert isinstance(backend, PeerBackend)
    return backend
