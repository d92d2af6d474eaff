"""What the log keeps of a visitor's address and browser, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from django_digitalstore.core.jobs import run_due
from django_digitalstore.entitlements import flows, get_download_model
from django_digitalstore.entitlements.flows import downloads
from django_digitalstore.entitlements.testing import make_release_with_file
from tests.plans import index_of, plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def asset(product):
    return make_release_with_file(product)


def logged(customer, asset, address: str | None) -> str | None:
    line = flows.log_download(customer, asset, outcome="served", address=address, agent="Curl/8")
    line.refresh_from_db()
    return line.address


KEPT = [
    ("full", "192.0.2.77", "192.0.2.77"),
    ("full", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
    ("truncated", "192.0.2.77", "192.0.2.0"),
    ("truncated", "2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
    ("truncated", "::ffff:192.0.2.77", "192.0.2.0"),
    ("none", "192.0.2.77", None),
    ("none", "2001:db8::1", None),
    ("ful", "192.0.2.77", None),  # a slip keeps less, not more
    ("full", None, None),
    ("truncated", None, None),
]


@pytest.mark.parametrize(("setting", "address", "kept"), KEPT)
def test_the_log_keeps_what_the_setting_says(customer, asset, setting, address, kept) -> None:
    with override_settings(DIGITALSTORE_DOWNLOAD_LOG_ADDRESS=setting):
        assert logged(customer, asset, address) == kept


def write(customer, asset, days: int, **line):
    at = timezone.now() - timedelta(days=days)
    return get_download_model().objects.create(
        user=customer, product_id=asset.release.product_id, asset=asset, at=at, **line
    )


def test_old_lines_lose_address_and_browser_and_stay(customer, asset, monkeypatch) -> None:
    monkeypatch.setattr(downloads, "BATCH", 2)
    for days in (89, 91, 92, 400):
        write(customer, asset, days, address="192.0.2.7", agent="Curl/8")
    write(customer, asset, 95, agent="Curl/8")
    write(customer, asset, 96, address="192.0.2.7")
    write(customer, asset, 97)
    assert flows.forget_addresses() == 5
    lines = get_download_model().objects.order_by("pk").values_list("address", "agent")
    assert list(lines) == [("192.0.2.7", "Curl/8")] + [(None, "")] * 6
    assert flows.forget_addresses() == 0


def test_old_lines_are_found_by_their_time(customer, asset) -> None:
    write(customer, asset, 91, address="192.0.2.7")
    model = get_download_model()
    assert index_of(model, "at") in plan_of(flows.forget_addresses, model)


def test_without_an_age_nothing_is_forgotten(customer, asset) -> None:
    write(customer, asset, 4000, address="192.0.2.7", agent="Curl/8")
    with override_settings(DIGITALSTORE_DOWNLOAD_LOG_AGE=None):
        assert flows.forget_addresses() == 0
    assert get_download_model().objects.get().address == "192.0.2.7"


def test_the_periodic_job_does_it(customer, asset) -> None:
    write(customer, asset, 91, address="192.0.2.7")
    (result,) = run_due(only="entitlements.forget_addresses")
    assert (result.name, result.error) == ("entitlements.forget_addresses", "")
    assert get_download_model().objects.get().address is None
