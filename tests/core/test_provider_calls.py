"""Provider calls: refused inside a transaction, and logged without secrets."""

from __future__ import annotations

import logging

import pytest
from django.db import connection, transaction
from django.test import TestCase

from django_digitalstore.core.exceptions import CalledInTransaction, DigitalStoreError
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction

LOGGER = "django_digitalstore.core.provider_calls"


class Provider:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def charge(self, card: str, *, amount: int) -> str:
        self.calls.append(card)
        return f"charged {amount}"


def refused(name: str) -> str:
    return (
        f"{name} calls a provider and was about to run inside a transaction of the database "
        "'default', whose locks it would hold for as long as the network takes. "
        "Call it before or after `with transaction.atomic():`, decorate the view with "
        "`@transaction.non_atomic_requests`, or let it leave by `core.outbox.enqueue()`."
    )


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_called() -> None:
    provider = Provider()
    with transaction.atomic(), pytest.raises(CalledInTransaction) as caught:
        call_provider(provider.charge, "4242", amount=5)
    assert str(caught.value) == refused("Provider.charge")
    assert provider.calls == []


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_the_result_comes_back() -> None:
    with transaction.atomic():
        pass
    assert call_provider(Provider().charge, "4242", amount=5) == "charged 5"


@pytest.mark.django_db
def test_the_transaction_around_a_test_does_not_count() -> None:
    assert connection.in_atomic_block
    assert call_provider(Provider().charge, "4242", amount=5) == "charged 5"


@pytest.mark.django_db
def test_a_transaction_within_the_tests_own_counts() -> None:
    with transaction.atomic(), pytest.raises(CalledInTransaction):
        call_provider(Provider().charge, "4242", amount=5)
    assert call_provider(Provider().charge, "4242", amount=5) == "charged 5"


class InsideTestCase(TestCase):
    def test_djangos_test_case_works_too(self) -> None:
        with self.assertNumQueries(0):
            assert call_provider(Provider().charge, "4242", amount=5) == "charged 5"
        with transaction.atomic(), pytest.raises(CalledInTransaction):
            call_provider(Provider().charge, "4242", amount=5)


def test_no_database_is_touched() -> None:
    # Without a database fixture, any query would fail this test.
    assert call_provider(Provider().charge, "4242", amount=5) == "charged 5"


@pytest.mark.django_db(transaction=True)
def test_the_callers_transaction_goes_on_after_a_refusal() -> None:
    from django_digitalstore.core.models import JobRun

    with transaction.atomic():
        with pytest.raises(CalledInTransaction):
            refuse_in_transaction("a test")
        JobRun.objects.create(name="written")
    assert JobRun.objects.filter(name="written").exists()


def test_the_call_is_logged_without_arguments_and_result(caplog) -> None:
    with caplog.at_level(logging.INFO, logger=LOGGER):
        call_provider(Provider().charge, "4242 secret", amount=5)
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert record.getMessage().startswith("Provider.charge returned after 0.")
    assert "4242" not in record.getMessage()


def test_a_failure_passes_through_and_is_logged_without_its_text(caplog) -> None:
    def charge() -> None:
        raise ConnectionError("card 4242 secret")

    with caplog.at_level(logging.INFO, logger=LOGGER), pytest.raises(ConnectionError):
        call_provider(charge)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "charge raised ConnectionError after 0." in record.getMessage()
    assert "4242" not in caplog.text


def test_the_error_belongs_to_both_families() -> None:
    assert issubclass(CalledInTransaction, DigitalStoreError)
    assert issubclass(CalledInTransaction, RuntimeError)
