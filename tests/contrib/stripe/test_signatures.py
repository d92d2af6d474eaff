"""Our signatures are Stripe's, and our verifier is stricter than its library."""

from __future__ import annotations

import time

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_digitalstore.contrib.stripe import signatures
from django_digitalstore.contrib.stripe.testing import paid_session, signed_event
from django_digitalstore.payments.exceptions import WebhookNotVerified

stripe = pytest.importorskip(
    "stripe", reason="could not import stripe: pip install django-digitalstore[stripe]"
)

SECRET = "whsec_0123456789abcdef01234567"
BODY = b'{"id": "evt_1"}'


def refusal(headers, body=BODY, secrets=(SECRET,)) -> str:
    with pytest.raises(WebhookNotVerified) as caught:
        signatures.verify(list(secrets), headers, body)
    return str(caught.value)


def test_the_library_accepts_what_our_builder_signs():
    raw, headers = signed_event(
        paid_session(checkout="cs_1", amount=1999, currency="EUR", payment="pi_ünïcode"), SECRET
    )

    event = stripe.Webhook.construct_event(raw, headers[signatures.HEADER], SECRET)

    assert event["type"] == "checkout.session.completed"


def test_our_verifier_accepts_what_the_library_signs():
    now = int(time.time())
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, now)
    assert signatures.verify([SECRET], {"stripe-signature": header}, BODY) == now


def test_while_a_secret_is_changed_either_is_taken():
    now = int(time.time())
    header = signatures.sign("whsec_the_old_secret_of_the_shop", now, BODY)
    headers = {signatures.HEADER: f"{header},{signatures.sign(SECRET, now, BODY).split(',')[1]}"}
    assert signatures.verify([SECRET], headers, BODY) == now
    assert signatures.verify(["whsec_the_old_secret_of_the_shop"], headers, BODY) == now


def test_a_time_to_come_is_refused_that_the_library_takes():
    ahead = int(time.time()) + 3600
    header = signatures.sign(SECRET, ahead, BODY)
    assert stripe.WebhookSignature.verify_header(BODY.decode(), header, SECRET, tolerance=300)
    assert refusal({signatures.HEADER: header}).endswith(
        "seconds away from now; at most 300 are allowed. A replay, or a clock that is wrong."
    )


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "The header Stripe-Signature is missing or malformed."),
        ("garbage", "The header Stripe-Signature is missing or malformed."),
        ("t=1", "The header Stripe-Signature is missing or malformed."),
        ("v1=" + "0" * 64, "The header Stripe-Signature is missing or malformed."),
        ("t=1.5,v1=" + "0" * 64, "The signature's timestamp is malformed."),
        ("t=١,v1=" + "0" * 64, "The signature's timestamp is malformed."),
        ("t=1,t=2,v1=" + "0" * 64, "The signature's timestamp is malformed."),
        (
            "t=NOW,v0=" + "0" * 64,
            "The header Stripe-Signature is missing or malformed.",
        ),
        (
            "t=NOW,v1=" + "0" * 64,
            "No signature of the message is made with our secret.",
        ),
    ],
)
def test_whatever_else_a_stranger_sends_is_refused(header, message):
    header = header.replace("NOW", str(int(time.time())))
    assert refusal({signatures.HEADER: header}) == message


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (
            "",
            (
                "The webhook secret of Stripe does not begin with 'whsec_'. "
                "Write the signing secret of this endpoint, as Stripe's dashboard shows it."
            ),
        ),
        (
            "whsec_short",
            (
                "The webhook secret of Stripe has 11 characters or a space at its end. "
                "Write it whole, as Stripe's dashboard shows it."
            ),
        ),
        (
            f"{SECRET} ",
            (
                "The webhook secret of Stripe has 31 characters or a space at its end. "
                "Write it whole, as Stripe's dashboard shows it."
            ),
        ),
    ],
)
def test_a_secret_that_can_be_none_is_refused(secret, message):
    with pytest.raises(ImproperlyConfigured) as caught:
        signatures.check_secret(secret)
    assert str(caught.value) == message
