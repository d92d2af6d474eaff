"""The page about Stripe says what the code does."""

from __future__ import annotations

import re

from django_digitalstore.contrib.stripe.backend import StripeBackend
from django_digitalstore.contrib.stripe.translation import EVENT_TYPES
from tests.projects.made import ROOT

PAGE = (ROOT / "docs" / "how-to" / "take-payments-with-stripe.md").read_text("utf-8")


def test_the_page_names_each_event_that_the_endpoint_must_send():
    assert (
        tuple(re.findall(r"`([a-z_]+\.[a-z_.]+)`", PAGE.partition("signing secret")[0]))
        == EVENT_TYPES
    )


def test_the_page_names_each_option():
    named = set(re.findall(r"^\| `([A-Z_]+)`", PAGE, re.MULTILINE))
    # BASE_URL is for tests.
    assert named | {"BASE_URL"} == StripeBackend.required_options | StripeBackend.known_options
