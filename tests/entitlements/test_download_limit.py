"""A limit of downloads: what counts, what does not, and who lets it begin anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog.exceptions import NotYourProduct
from django_digitalstore.entitlements import flows, get_download_model, policies
from django_digitalstore.entitlements.backends import delivery_backends
from django_digitalstore.entitlements.choices import EndedKind
from django_digitalstore.entitlements.exceptions import DownloadLimitReached, InvalidGrant
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
CONTENT = b"0123456789"
VISITOR = {"address": None, "agent": ""}


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False, download_limit=2)


@pytest.fixture
def asset(product):
    return make_release_with_file(product, CONTENT, "book.epub")


@pytest.fixture
def shopper(client_of, customer):
    return client_of(customer)


def click(client, asset):
    return client.post(reverse(f"{STORE}:download_link", args=[asset.pk]))


def bytes_of(response) -> bytes:
    assert response.status_code in {200, 206}, response.status_code
    return b"".join(response.streaming_content)


def lines() -> list[tuple[str, str]]:
    return list(get_download_model().objects.order_by("pk").values_list("outcome", "code"))


def test_the_limit_is_a_page_that_says_how_many(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    for _ in range(2):
        assert bytes_of(shopper.get(link)) == CONTENT
    answer = shopper.get(link)
    assert (answer.status_code, answer.context["code"]) == (403, "limit")
    page = answer.content.decode()
    assert "<h1>All your downloads are used</h1>" in page
    assert "comes with 2 downloads, which were all made" in page
    assert lines() == [("served", "")] * 2 + [("refused", "limit")]


def test_a_click_beyond_the_limit_is_told_at_once(shopper, ledger, product, asset) -> None:
    ledger.grant()
    other = make_release_with_file(product, b"other", "other.txt")
    for _ in range(2):
        bytes_of(shopper.get(click(shopper, asset)["Location"]))
    assert click(shopper, other).status_code == 403
    assert lines()[-1] == ("refused", "limit")


def test_the_product_says_otherwise_than_the_site(shopper, ledger, product, asset) -> None:
    def limit(of_product, of_site):
        product.download_limit = of_product
        with override_settings(DIGITALSTORE_DOWNLOAD_LIMIT=of_site):
            return policies.download_limit(product)

    assert [limit(None, None), limit(None, 3), limit(0, 3), limit(5, 3), limit(None, 0)] == [
        None,
        3,
        None,
        5,
        None,
    ]


def test_without_a_limit_nothing_is_asked_and_no_mutex_is_taken(
    shopper, ledger, product, asset, django_assert_num_queries
) -> None:
    product.download_limit = None
    product.save()
    asset.release.product.download_limit = None
    purchase = ledger.grant()
    with django_assert_num_queries(0):
        assert policies.has_downloads_left(purchase, asset)
    with django_assert_num_queries(1):
        flows.record_download(purchase, asset, **VISITOR)


@pytest.mark.parametrize("wanted", ["bytes=1-", "bytes=-3", "bytes=5-7"])
def test_a_later_part_of_a_counted_download_is_its_rest(shopper, ledger, asset, wanted) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    bytes_of(shopper.get(link))
    for _ in range(5):
        assert shopper.get(link, headers={"range": wanted}).status_code == 206
    assert lines() == [("served", "")]


@pytest.mark.parametrize("wanted", ["bytes=1-", "bytes=-3", "bytes=5-7"])
def test_a_later_part_without_a_beginning_counts(shopper, ledger, asset, wanted) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    assert shopper.get(link, headers={"range": wanted}).status_code == 206
    assert lines() == [("served", "")]


def test_a_beginning_long_ago_has_no_rest(shopper, ledger, asset) -> None:
    ledger.grant()
    bytes_of(shopper.get(click(shopper, asset)["Location"]))
    log = get_download_model().objects
    log.update(at=timezone.now() - settings.DIGITALSTORE_DOWNLOAD_RESUME_AGE)
    ledger.row.__class__._base_manager.update(granted_at=timezone.now() - timedelta(days=9))
    link = click(shopper, asset)["Location"]
    shopper.get(link, headers={"range": "bytes=1-"})
    assert log.served().count() == 2


def test_another_file_has_no_share_in_a_beginning(shopper, ledger, product, asset) -> None:
    ledger.grant()
    other = make_release_with_file(product, CONTENT, "other.txt")
    bytes_of(shopper.get(click(shopper, asset)["Location"]))
    shopper.get(click(shopper, other)["Location"], headers={"range": "bytes=1-"})
    assert lines() == [("served", "")] * 2


def test_another_users_beginning_is_nobody_elses(
    shopper, client_of, other_customer, ledger, asset
) -> None:
    from django_digitalstore.entitlements.testing import grant

    ledger.grant()
    grant(other_customer, ledger.product)
    bytes_of(shopper.get(click(shopper, asset)["Location"]))
    other = client_of(other_customer)
    other.get(click(other, asset)["Location"], headers={"range": "bytes=1-"})
    assert get_download_model().objects.filter(user=other_customer).count() == 1


def test_a_download_that_broke_goes_on_with_a_fresh_link_though_the_limit_is_reached(
    shopper, ledger, asset
) -> None:
    ledger.grant()
    for _ in range(2):
        bytes_of(shopper.get(click(shopper, asset)["Location"]))
    link = click(shopper, asset)["Location"]
    assert bytes_of(shopper.get(link, headers={"range": "bytes=4-"})) == CONTENT[4:]
    assert shopper.get(link).status_code == 403


def test_a_part_of_another_version_of_the_file_is_a_whole_one(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    headers = {"range": "bytes=4-", "if-range": '"another"'}
    bytes_of(shopper.get(link))
    assert bytes_of(shopper.get(link, headers=headers)) == CONTENT
    assert lines() == [("served", "")] * 2


def test_the_last_bytes_are_a_whole_download_where_they_are_all(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    bytes_of(shopper.get(link))
    assert bytes_of(shopper.get(link, headers={"range": "bytes=-9999"})) == CONTENT
    assert lines() == [("served", "")] * 2


def test_heads_and_parts_that_are_not_there_count_as_nothing(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    assert shopper.head(link).status_code == 200
    assert shopper.get(link, headers={"range": "bytes=99-"}).status_code == 416
    assert lines() == []


def test_refusals_take_nothing_of_the_limit(shopper, ledger, asset) -> None:
    ledger.grant()
    release = asset.release
    release.yanked_at = timezone.now()
    release.save()
    for _ in range(5):
        click(shopper, asset)
    assert policies.downloads_used(ledger.row) == 0


def test_a_file_that_the_storage_lost_takes_nothing_of_the_limit(shopper, ledger, asset) -> None:
    ledger.grant()
    asset.file.storage.delete(asset.file.name)
    shopper.get(click(shopper, asset)["Location"])
    assert policies.downloads_used(ledger.row) == 0


@pytest.fixture
def given(monkeypatch) -> list[Any]:
    """What the backend has answered with, sent or not."""
    found: list[Any] = []
    backend = type(delivery_backends["default"])
    deliver = backend.deliver

    def remembering(self: Any, request: Any, delivery: Any) -> Any:
        found.append(deliver(self, request, delivery))
        return found[-1]

    monkeypatch.setattr(backend, "deliver", remembering)
    return found


def test_the_file_is_closed_when_the_limit_says_no(shopper, ledger, asset, given) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    for _ in range(2):
        bytes_of(shopper.get(link))
    assert shopper.get(link).status_code == 403
    (close,) = given[-1]._resource_closers
    assert close.__self__._file.closed
    assert not given[-1].closed  # that would close the connection to the database, in the middle


def test_the_file_is_closed_when_the_log_cannot_be_written(shopper, ledger, asset, given) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    with override_settings(DIGITALSTORE_DOWNLOAD_LOG_ADDRESS=[]), pytest.raises(TypeError):
        shopper.get(link)
    (close,) = given[-1]._resource_closers
    assert close.__self__._file.closed


def test_buying_again_begins_anew(shopper, ledger, asset) -> None:
    ledger.grant("a")
    for _ in range(2):
        bytes_of(shopper.get(click(shopper, asset)["Location"]))
    ledger.refund("a")
    ledger.grant("b")
    assert bytes_of(shopper.get(click(shopper, asset)["Location"])) == CONTENT


def test_the_rest_of_a_download_is_none_of_a_new_purchase(shopper, ledger, asset) -> None:
    ledger.grant("a")
    bytes_of(shopper.get(click(shopper, asset)["Location"]))
    ledger.refund("a")
    ledger.grant("b")
    bytes_of(shopper.get(click(shopper, asset)["Location"], headers={"range": "bytes=1-"}))
    assert policies.downloads_used(ledger.row) == 1


@pytest.mark.parametrize("how", ["revoked by mistake", "disputed in vain"])
def test_access_that_comes_back_goes_on_counting(shopper, ledger, asset, how) -> None:
    ledger.grant()
    for _ in range(2):
        bytes_of(shopper.get(click(shopper, asset)["Location"]))
    if how == "revoked by mistake":
        ledger.revoke()
        ledger.restore()
    else:
        order = Source("order", "a")
        flows.revoke_product(
            ledger.user, ledger.product, source=order, kind=EndedKind.DISPUTED, reason="dispute"
        )
        ledger.grant()
    assert shopper.get(click(shopper, asset)["Location"]).context["code"] == "limit"


# --- the flows -----------------------------------------------------------------------------------


def use_up(purchase, asset, times: int = 2) -> None:
    for _ in range(times):
        flows.record_download(purchase, asset, **VISITOR)


def test_the_flow_refuses_and_writes_nothing(ledger, asset) -> None:
    purchase = ledger.grant()
    use_up(purchase, asset)
    with pytest.raises(DownloadLimitReached) as error:
        flows.record_download(purchase, asset, **VISITOR)
    assert str(error.value) == (
        "All 2 downloads of this purchase were made. To give them again, call "
        "entitlements.flows.reset_downloads(user, product, actor=…, reason=…)."
    )
    assert lines() == [("served", "")] * 2


@pytest.mark.parametrize("who", ["seller", "superuser", "the site"])
def test_the_seller_staff_and_the_site_reset(ledger, asset, seller, superuser, who) -> None:
    purchase = ledger.grant()
    use_up(purchase, asset)
    actor = {"seller": seller, "superuser": superuser, "the site": None}[who]
    line = flows.reset_downloads(ledger.user, ledger.product, actor=actor, reason="disk broke")
    assert line is not None
    assert (line.outcome, line.actor, line.reason, line.asset) == (
        "reset",
        actor,
        "disk broke",
        None,
    )
    assert policies.downloads_used(purchase) == 0
    use_up(purchase, asset)
    with pytest.raises(DownloadLimitReached):
        use_up(purchase, asset, 1)


def test_a_reset_of_nothing_writes_nothing(ledger, product) -> None:
    ledger.grant()
    assert flows.reset_downloads(ledger.user, product, reason="why not") is None
    assert lines() == []


def test_another_seller_and_staff_without_the_permission_reset_nothing(
    ledger, asset, other_seller, staff
) -> None:
    use_up(ledger.grant(), asset)
    for actor in (other_seller, staff, ledger.user):
        with pytest.raises(NotYourProduct) as error:
            flows.reset_downloads(ledger.user, ledger.product, actor=actor, reason="mine")
        assert str(error.value) == (
            "“A book” belongs to somebody else. Only its seller and staff reset downloads."
        )
    assert lines() == [("served", "")] * 2


def test_a_reset_needs_a_reason_and_somebody_with_access(ledger, asset, product) -> None:
    use_up(ledger.grant(), asset)
    with pytest.raises(InvalidGrant) as error:
        flows.reset_downloads(ledger.user, product, reason=" ")
    assert str(error.value) == ("reset_downloads() needs a reason. Pass reason='their disk broke'.")
    ledger.refund()
    with pytest.raises(InvalidGrant) as error:
        flows.reset_downloads(ledger.user, product, reason="kind")
    assert str(error.value) == (
        f"User {ledger.user.pk} has no access to product {product.pk}, so there is nothing to "
        f"reset: a new purchase counts from nothing by itself."
    )
