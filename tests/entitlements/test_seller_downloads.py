"""The seller's pages: who downloaded what of theirs, and counting from nothing again."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.messages import get_messages
from django.urls import reverse

from django_digitalstore.entitlements import flows, get_download_model, policies
from django_digitalstore.entitlements.testing import grant, make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
LOG = "/seller/downloads/"


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False, download_limit=2)


@pytest.fixture
def asset(product):
    return make_release_with_file(product, name="book.epub", version="1.2")


@pytest.fixture
def desk(client_of, seller):
    """The seller's browser."""
    return client_of(seller)


def download(purchase, asset, *, address: str | None = "192.0.2.7") -> Any:
    return flows.record_download(purchase, asset, address=address, agent="Curl/8")


def reset_url(line) -> str:
    return reverse(f"{STORE}:seller_download_reset", args=[line.pk])


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_an_empty_log_says_so(desk) -> None:
    assert "No downloads yet" in desk.get(LOG).content.decode()


def test_a_seller_reads_what_was_taken_and_how_it_ended(desk, customer, ledger, asset) -> None:
    download(ledger.grant("A1B2C3/1/key"), asset)
    flows.log_download(customer, asset, outcome="refused", code="limit", address=None, agent="")
    page = desk.get(LOG).content.decode()
    for text in ("A1B2C3", "A book", "book.epub", "1.2", "Served", "Refused"):
        assert text in page
    assert "The download limit was reached" in page


def test_who_bought_and_from_where_is_not_the_sellers_business(
    desk, customer, ledger, asset
) -> None:
    line = download(ledger.grant(), asset)
    pages = desk.get(LOG).content.decode() + desk.get(reset_url(line)).content.decode()
    for secret in (str(customer), customer.email, "192.0.2.7", "Curl"):
        assert secret not in pages


def test_another_sellers_downloads_do_not_exist(client_of, other_seller, ledger, asset) -> None:
    line = download(ledger.grant(), asset)
    other = client_of(other_seller)
    assert other.get(LOG).context["lines"] == []
    for answer in (other.get(reset_url(line)), other.post(reset_url(line), {"reason": "mine"})):
        assert answer.status_code == 404
    assert policies.downloads_used(ledger.row) == 1


def test_downloads_of_the_sites_own_products_are_no_sellers(desk, customer, make_product) -> None:
    product = make_product("The site's", released=False)
    download(grant(customer, product), make_release_with_file(product))
    assert desk.get(LOG).context["lines"] == []


@pytest.mark.parametrize("who", ["customer", "staff"])
def test_others_do_not_come_in(request, client, client_of, ledger, asset, who) -> None:
    line = download(ledger.grant(), asset)
    stranger = client_of(request.getfixturevalue(who))
    for url in (LOG, reset_url(line)):
        assert stranger.get(url).status_code == 403
        assert client.get(url).status_code == 302


@pytest.mark.parametrize("pk", ["abc", "-1", "9" * 30, "987654321", "é"])
def test_a_line_that_is_none_is_a_404(desk, pk) -> None:
    assert desk.get(f"{LOG}{pk}/reset/").status_code == 404


def test_a_reset_is_asked_for_a_reason_and_done(desk, seller, customer, ledger, asset) -> None:
    purchase = ledger.grant()
    line = download(purchase, asset)
    page = desk.get(reset_url(line)).content.decode()
    assert "The downloads of “A book” by purchase a then count from nothing again." in page
    assert "1 of 2 are used now." in page
    assert "This field is required." in desk.post(reset_url(line), {"reason": " "}).content.decode()
    answer = desk.post(reset_url(line), {"reason": "their disk broke"})
    assert (answer.status_code, answer["Location"]) == (302, LOG)
    assert told(answer) == ["The downloads of “A book” count from nothing again."]
    done = get_download_model().objects.order_by("pk").last()
    assert (done.outcome, done.actor, done.reason) == ("reset", seller, "their disk broke")
    assert policies.downloads_used(purchase) == 0
    assert "their disk broke" in desk.get(LOG).content.decode()


def test_a_reset_of_nothing_and_of_lost_access_says_so(desk, customer, ledger, asset) -> None:
    line = download(ledger.grant(), asset)
    desk.post(reset_url(line), {"reason": "kind"})
    answer = desk.post(reset_url(line), {"reason": "kind"})
    assert told(answer)[-1] == ("The buyer has used no download of “A book”: nothing to reset.")
    ledger.refund()
    assert desk.get(reset_url(line)).context["used"] is None
    answer = desk.post(reset_url(line), {"reason": "kind"})
    assert told(answer)[-1] == "The buyer has no access to “A book” any more: nothing to reset."
    assert get_download_model().objects.filter(outcome="reset").count() == 1


def test_only_lines_about_a_limit_offer_a_reset(desk, seller, customer, ledger, asset) -> None:
    served = download(ledger.grant(), asset)
    limit = flows.log_download(
        customer, asset, outcome="refused", code="limit", address=None, agent=""
    )
    flows.log_download(customer, asset, outcome="refused", code="ended", address=None, agent="")
    flows.log_download(seller, asset, outcome="previewed", address=None, agent="")
    offered = [line for line in desk.get(LOG).context["lines"] if line.reset_url]
    assert [line.download for line in offered] == [limit, served]
    type(ledger.product)._base_manager.update(download_limit=None)
    assert not any(line.reset_url for line in desk.get(LOG).context["lines"])


def test_the_number_of_queries_does_not_depend_on_the_number_of_lines(
    desk, ledger, asset, django_assert_max_num_queries
) -> None:
    type(ledger.product)._base_manager.update(download_limit=1000)
    asset.release.product.download_limit = None
    purchase = ledger.grant()
    for count in (1, 10, 60):
        while get_download_model().objects.count() < count:
            download(purchase, asset)
        with django_assert_max_num_queries(8):  # two are the savepoint of ATOMIC_REQUESTS
            answer = desk.get(LOG)
        assert len(answer.context["lines"]) == min(count, 50)
    assert 'rel="next"' in answer.content.decode()
