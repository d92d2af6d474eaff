"""Stored messages are applied again, by an operator, and what fails again is named."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import get_payment_model, inbox
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    place_order,
    sandbox_checkout,
    sign_webhook,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]


def replay(*arguments: str) -> str:
    """Run the command; return what it printed, with its error and exit code at the end."""
    out = io.StringIO()
    try:
        call_command("digitalstore_replay", *arguments, stdout=out)
    except CommandError as error:
        out.write(f"exit {error.returncode}: {error}\n")
    return out.getvalue()


@pytest.fixture
def unmatched(customer: Any, product: Any, client: Client) -> InboxMessage:
    """Return the message of a payment whose checkout was unknown when it came."""
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment))
    attempts = get_payment_model()._base_manager.filter(pk=payment.pk)
    attempts.update(checkout_reference="lost")
    deliver_webhooks(client)
    attempts.update(checkout_reference=payment.checkout_reference)
    return InboxMessage.objects.get()


@pytest.fixture
def invalid() -> InboxMessage:
    body, headers = sign_webhook({"type": "payment.succeeded"}, message_id="msg_bad")
    assert inbox.receive("default", body, headers).status == 400
    return InboxMessage.objects.get(message_id="msg_bad")


def name_of(message: InboxMessage) -> str:
    return f"{message.pk} default {message.message_id}"


@pytest.mark.parametrize("by", ["number", "message id", "state"])
def test_a_message_is_applied_again(
    unmatched: InboxMessage, customer: Any, product: Any, by: str
) -> None:
    how = {
        "number": [str(unmatched.pk)],
        "message id": [unmatched.message_id],
        "state": ["--state", "failed,unmatched"],
    }
    assert replay(*how[by]) == "1 applied again: 1 processed.\n"
    assert has_access(customer, product)


def test_what_fails_again_is_named(unmatched: InboxMessage, invalid: InboxMessage) -> None:
    assert replay("--state", "unmatched,invalid", "--verbosity", "2") == (
        f"{name_of(unmatched)}: processed\n"
        f"{name_of(invalid)}: invalid\n"
        "2 applied again: 1 invalid, 1 processed.\n"
        f"exit 1: Failed again:\n{name_of(invalid)}: data: must be an object.\n"
    )


def test_a_dry_run_names_them_and_applies_none(
    unmatched: InboxMessage, customer: Any, product: Any
) -> None:
    assert replay("--state", "unmatched", "--dry-run") == (
        f"{name_of(unmatched)}: unmatched: {unmatched.error}\n1 would be applied again.\n"
    )
    assert not has_access(customer, product)


def test_only_those_of_one_provider_or_time_are_applied(unmatched: InboxMessage) -> None:
    InboxMessage.objects.update(received_at=timezone.now() - timedelta(days=2))
    nothing = "0 applied again: nothing to do.\n"
    assert replay("--state", "unmatched", "--alias", "other") == nothing
    assert replay("--state", "unmatched", "--since", "1d") == nothing
    assert replay("--state", "unmatched", "--since", "3d", "--alias", "default") == (
        "1 applied again: 1 processed.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "Name messages by their ids, or all in a state by --state failed."),
        (
            ["7", "--state", "failed"],
            "Name messages by their ids, or all in a state by --state failed.",
        ),
        (["7", "msg_x", "²"], "There is no message 7, msg_x, ² in the inbox."),
        (["99999999999999999999"], "There is no message 99999999999999999999 in the inbox."),
        (
            ["--state", "processed"],
            (
                "--state: there is no 'processed' to apply again. Choose among received, waiting, "
                "unmatched, failed, invalid, unreadable."
            ),
        ),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], error: str) -> None:
    assert replay(*arguments) == f"exit 1: {error}\n"


# --- handled by a person -----------------------------------------------------------------------


def test_what_a_person_handled_stays_so_unless_it_can_be_applied(
    unmatched: InboxMessage, invalid: InboxMessage, customer: Any, product: Any
) -> None:
    for message in (unmatched, invalid):
        inbox.mark_handled(message)
    body, headers = sign_webhook({"type": "payment.succeeded"}, message_id="msg_bad")
    inbox.receive("default", body, headers)
    invalid.refresh_from_db()
    assert invalid.state == "handled"
    replay(str(unmatched.pk))
    unmatched.refresh_from_db()
    assert unmatched.state == "processed"
    assert has_access(customer, product)


def test_what_needs_nobody_cannot_be_handled(unmatched: InboxMessage) -> None:
    inbox.process(unmatched)
    with pytest.raises(inbox.NothingToHandle) as error:
        inbox.mark_handled(unmatched)
    assert str(error.value) == "It needs nobody's care: it is processed, ignored or handled."
