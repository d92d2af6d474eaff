"""Until when an owner gets new releases: on the way of a file, in the library, in its versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from django_digitalstore.entitlements import flows, get_grant_model, policies
from django_digitalstore.entitlements.choices import EndedKind
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
DAY = timedelta(days=1)


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False)


@pytest.fixture
def shopper(client_of, customer):
    return client_of(customer)


def click(client, asset):
    return client.post(reverse(f"{STORE}:download_link", args=[asset.pk]))


def bought(ledger, ago: timedelta) -> Any:
    """Make it so that the product was bought that long ago: SQL is the way past the guard."""
    purchase = ledger.grant()
    at = timezone.now() - ago
    type(purchase)._base_manager.filter(pk=purchase.pk).update(granted_at=at)
    get_grant_model()._base_manager.update(granted_at=at)
    return ledger.row


def limit_updates(product, days: int | None, *, updates: str = "limited") -> None:
    product.updates, product.update_days = updates, days
    product.save()


def release(product, version: str, ago: timedelta) -> Any:
    name, at = f"book-{version}.epub", timezone.now() - ago
    return make_release_with_file(product, b"x", name, version=version, published_at=at)


TERMS = [
    ("", None, None, None),
    ("", None, 30, 30),
    ("", 7, 30, 30),
    ("lifetime", None, 30, None),
    ("lifetime", 7, 30, None),
    ("limited", 7, None, 7),
    ("limited", 0, 30, 0),
    ("limited", 2**31 - 1, None, None),
]


@pytest.mark.parametrize(("updates", "of_product", "of_site", "days"), TERMS)
def test_the_product_says_it_or_the_site(ledger, product, updates, of_product, of_site, days):
    purchase = ledger.grant()
    product.updates, product.update_days = updates, of_product
    with override_settings(DIGITALSTORE_UPDATE_DAYS=of_site):
        until = policies.updates_until(purchase, product)
    assert until == (None if days is None else purchase.granted_at + days * DAY)


def test_what_was_published_after_the_end_is_refused_with_its_date(shopper, ledger, product):
    limit_updates(product, 10)
    purchase = bought(ledger, 20 * DAY)
    old, late = release(product, "1.0", 15 * DAY), release(product, "2.0", 5 * DAY)
    answer = click(shopper, late)
    assert (answer.status_code, answer.context["code"]) == (403, "updates_ended")
    ended = date_format(timezone.localtime(purchase.granted_at + 10 * DAY))
    assert f"ended on {ended}, and version 2.0 was published later" in answer.content.decode()
    assert ledger.downloads == [("book-2.0.epub", "refused")]
    assert click(shopper, old).status_code == 303


def test_what_comes_out_at_the_very_end_is_the_owners(shopper, ledger, product):
    limit_updates(product, 10)
    purchase = bought(ledger, 20 * DAY)
    last = make_release_with_file(product, b"x", published_at=purchase.granted_at + 10 * DAY)
    assert click(shopper, last).status_code == 303
    assert list(policies.releases_for(purchase, purchase.product)) == [last.release]


def test_the_end_counts_when_the_link_is_redeemed_too(shopper, ledger, product):
    bought(ledger, 20 * DAY)
    late = release(product, "2.0", 5 * DAY)
    link = click(shopper, late)["Location"]
    limit_updates(product, 10)
    assert shopper.get(link).context["code"] == "updates_ended"


def test_what_came_out_before_the_purchase_belongs_to_it(shopper, ledger, product):
    limit_updates(product, 0)
    bought(ledger, DAY)
    assert click(shopper, release(product, "1.0", 90 * DAY)).status_code == 303


def test_buying_again_begins_the_days_anew(shopper, ledger, product):
    limit_updates(product, 10)
    bought(ledger, 20 * DAY)
    late = release(product, "2.0", 5 * DAY)
    ledger.refund()
    ledger.grant("b")
    assert click(shopper, late).status_code == 303


def suspend(ledger, how: str) -> None:
    """Make it so that access goes and comes back."""
    if how == "revoked by mistake":
        ledger.revoke()
        ledger.restore()
        return
    order = Source("order", "a")
    flows.revoke_product(
        ledger.user, ledger.product, source=order, kind=EndedKind.DISPUTED, reason="dispute"
    )
    if how == "disputed and revoked":
        ledger.revoke()
        flows.withhold_product(ledger.user, ledger.product, source=order, reason="won")
        ledger.restore()
    else:
        ledger.grant()


@pytest.mark.parametrize("how", ["revoked by mistake", "disputed", "disputed and revoked"])
def test_access_that_comes_back_is_no_new_purchase(shopper, ledger, product, how) -> None:
    limit_updates(product, 10)
    purchase = bought(ledger, 20 * DAY)
    late = release(product, "2.0", 5 * DAY)
    for _ in range(2):
        suspend(ledger, how)
        assert ledger.row.granted_at == purchase.granted_at
    assert ledger.row.pk != purchase.pk  # so the old links are dead
    assert click(shopper, late).context["code"] == "updates_ended"


def test_a_purchase_that_was_given_back_and_then_paid_after_all_is_a_new_one(ledger) -> None:
    purchase = bought(ledger, 20 * DAY)
    ledger.refund()
    ledger.grant()
    assert ledger.row.granted_at > purchase.granted_at + 19 * DAY


def test_what_was_refunded_while_it_was_revoked_does_not_go_on(ledger) -> None:
    purchase = bought(ledger, 20 * DAY)
    ledger.revoke()
    ledger.refund()
    ledger.restore()
    ledger.grant("b")
    assert ledger.row.granted_at > purchase.granted_at + 19 * DAY


def test_what_was_paid_while_it_was_withheld_begins_when_it_is_given(ledger) -> None:
    ledger.revoke()
    flows.withhold_product(ledger.user, ledger.product, source=Source("order", "a"), reason="paid")
    ago = timezone.now() - 20 * DAY
    notes = get_grant_model()._base_manager.filter(effect="allow")
    assert notes.update(granted_at=ago, ended_at=ago) == 1
    ledger.restore()
    assert ledger.row.granted_at > ago


def test_what_ran_out_begins_anew_when_it_is_given_again(ledger) -> None:
    purchase = ledger.grant(expires_at=timezone.now() + DAY)
    ledger.let_expire()
    ledger.grant(expires_at=timezone.now() + 2 * DAY)
    assert ledger.row.granted_at > purchase.granted_at


def item(client) -> Any:
    (found,) = client.get("/library/").context["library"]
    return found


def test_the_library_shows_the_newest_before_the_end_and_says_so(shopper, ledger, product):
    limit_updates(product, 10)
    purchase = bought(ledger, 20 * DAY)
    for version, ago in ("1.0", 90), ("1.1", 15), ("2.0", 5), ("2.1", 2):
        release(product, version, ago * DAY)
    shown = item(shopper)
    assert shown.release.version == "1.1"
    assert [file.asset.name for file in shown.files] == ["book-1.1.epub"]
    assert shown.updates_ended_at == purchase.granted_at + 10 * DAY
    page = shopper.get("/library/").content.decode()
    ended = date_format(timezone.localtime(shown.updates_ended_at))
    assert f"Your updates ended on {ended}. Later versions are not part of this purchase." in page
    assert "book-2" not in page


def test_the_library_says_nothing_while_there_is_nothing_later(shopper, ledger, product):
    limit_updates(product, 10)
    bought(ledger, 20 * DAY)
    release(product, "1.0", 15 * DAY)
    assert item(shopper).updates_ended_at is None


def test_where_all_came_too_late_the_library_has_no_files(shopper, ledger, product):
    limit_updates(product, 10)
    bought(ledger, 20 * DAY)
    release(product, "1.0", 5 * DAY)
    assert (item(shopper).release, item(shopper).files) == (None, [])
    page = shopper.get("/library/").content.decode()
    assert "No files." in page
    assert "as soon as they are released" not in page


def test_library_and_download_agree(shopper, ledger, product):
    limit_updates(product, 10)
    purchase = bought(ledger, 20 * DAY)
    assets = [release(product, f"{ago}.0", ago * DAY) for ago in (30, 15, 10, 5)]
    assets[0].release.yanked_at = timezone.now()
    assets[0].release.save()
    allowed = [a.release for a in assets if policies.may_download(purchase, a)]
    assert allowed == list(policies.releases_for(purchase, product).order_by("pk"))
    versions = shopper.get(f"/library/{product.slug}/").context["library_releases"]
    assert [version.release for version in versions] == allowed[::-1]


# --- all versions of one product -----------------------------------------------------------------


def test_all_versions_of_a_product_are_on_a_page_of_their_own(shopper, ledger, product):
    bought(ledger, DAY)
    release(product, "1.0", 9 * DAY)
    newest = release(product, "2.0", 2 * DAY)
    make_release_with_file(product, version="draft", published=False)
    answer = shopper.get(item(shopper).releases_url)
    assert [v.release.version for v in answer.context["library_releases"]] == ["2.0", "1.0"]
    page = answer.content.decode()
    assert f'action="{reverse(f"{STORE}:download_link", args=[newest.pk])}"' in page
    assert newest.file.name not in page
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_the_only_version_has_no_page_to_go_to(shopper, ledger, product):
    bought(ledger, DAY)
    release(product, "1.0", 9 * DAY)
    assert item(shopper).releases_url == ""


def test_versions_after_the_end_are_left_out_with_a_line(shopper, ledger, product):
    limit_updates(product, 10)
    bought(ledger, 20 * DAY)
    release(product, "1.0", 15 * DAY)
    release(product, "2.0", 5 * DAY)
    page = shopper.get(f"/library/{product.slug}/").content.decode()
    assert "Your updates ended on" in page
    assert "<h2>1.0</h2>" in page
    assert "<h2>2.0</h2>" not in page
    assert "book-2.0.epub" not in page


def test_the_versions_of_what_is_not_owned_are_not_there(
    shopper, client, client_of, seller, ledger, product
):
    assert shopper.get(f"/library/{product.slug}/").status_code == 404
    assert client_of(seller).get(f"/library/{product.slug}/").status_code == 404
    assert client.get(f"/library/{product.slug}/").status_code == 302
    ledger.grant()
    assert shopper.get(f"/library/{product.slug}/").status_code == 200
    ledger.revoke()
    assert shopper.get(f"/library/{product.slug}/").status_code == 404


def test_the_number_of_queries_does_not_depend_on_the_number_of_versions(
    shopper, ledger, product, django_assert_max_num_queries
):
    bought(ledger, DAY)
    limit_updates(product, 100)
    there = 0
    with override_settings(DIGITALSTORE_RELEASES_PER_PAGE=50):
        for count in 1, 10, 40:
            for number in range(there, count):
                release(product, f"1.{number}", number * DAY)
            there = count
            # session, user, purchase, releases, their files, whether later ones are hidden
            with django_assert_max_num_queries(8):
                answer = shopper.get(f"/library/{product.slug}/")
            assert len(answer.context["library_releases"]) == count
