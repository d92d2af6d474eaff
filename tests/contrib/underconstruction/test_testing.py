"""What hosts' tests use: a closed site, an open one, and nothing that is left over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, SimpleTestCase, TestCase
from django.utils import timezone

from django_digitalstore.contrib.underconstruction.exceptions import ClosureRefused
from django_digitalstore.contrib.underconstruction.flag import KEEP, flag
from django_digitalstore.contrib.underconstruction.models import SiteStatus
from django_digitalstore.contrib.underconstruction.testing import site_closed, site_open
from django_digitalstore.core.testing import assert_query_budget


class TestInATestCase(TestCase):
    def test_the_site_is_closed_in_the_block(self) -> None:
        with site_closed(message="We move.") as row:
            self.assertContains(self.client.get("/plain/"), "We move.", status_code=503)
            assert row.is_on
            assert SiteStatus.objects.get().message == "We move."
        assert self.client.get("/plain/").status_code == 200

    def test_nothing_is_left_of_the_test_before(self) -> None:
        assert self.client.get("/plain/").status_code == 200
        assert not SiteStatus.objects.exists()


class TestWithoutADatabase(SimpleTestCase):
    def test_an_open_site_needs_none(self) -> None:
        with site_open():
            assert self.client.get("/plain/").status_code == 200


@pytest.mark.django_db
def test_no_query_is_sent_in_either_block_however_long_it_is(client: Client, close):
    import time

    close()
    with site_open():
        time.sleep(KEEP + 0.1)
        with assert_query_budget(0):
            assert client.get("/plain/").status_code == 200
    with site_closed():
        time.sleep(KEEP + 0.1)
        with assert_query_budget(0):
            assert client.get("/plain/").status_code == 503


@pytest.mark.django_db
def test_a_closure_that_can_not_be_is_none_in_tests_either(client: Client):
    passed = timezone.now() - timedelta(hours=1)
    with pytest.raises(ClosureRefused), site_closed(until=passed):
        pytest.fail("It is closed.")
    assert client.get("/plain/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_with_transactions_it_is_open_afterwards_too(client: Client):
    with site_closed():
        assert client.get("/plain/").status_code == 503
    flag.forget()
    assert client.get("/plain/").status_code == 200


@pytest.mark.django_db
def test_a_host_lets_others_in_by_a_subclass(client_of, close, seller, customer, settings):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE[:-1],
        "tests.contrib.underconstruction.subclass.Ours",
    ]
    close()
    assert Client().get("/plain/").status_code == 200
    assert client_of(seller).get("/marked/").status_code == 200
    assert client_of(seller).get("/imprint/").status_code == 200
    assert client_of(customer).get("/imprint/").status_code == 503
