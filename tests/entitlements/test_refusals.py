"""Each refusal has its own page, status and code, and its line in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.entitlements import (
    flows,
    get_download_model,
    get_grant_model,
    policies,
)
from django_digitalstore.entitlements.choices import EndedKind, Refusal
from django_digitalstore.entitlements.exceptions import InvalidGrant
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
ORDER = Source("order", "a")


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False)


@pytest.fixture
def asset(product):
    return make_release_with_file(product, b"the words", "book.epub", version="1.0")


@pytest.fixture
def shopper(client_of, customer):
    return client_of(customer)


def click(client, asset):
    return client.post(reverse(f"{STORE}:download_link", args=[asset.pk]))


def take_back(ledger, kind: EndedKind, reference: str = "a") -> None:
    flows.revoke_product(
        ledger.user, ledger.product, source=Source("order", reference), kind=kind, reason="facts"
    )


def end(ledger, how: str) -> None:
    match how:
        case "revoked":
            ledger.revoke()
        case "time over":
            ledger.let_expire()
        case _:
            take_back(ledger, EndedKind(how))


def change(ledger, asset, how: str) -> None:
    """Make it so that an owner does not get this file."""
    release = asset.release
    match how:
        case "yanked":
            release.yanked_at, release.yanked_reason = timezone.now(), "It eats your files."
            release.save()
        case "later than updates":
            type(ledger.product)._base_manager.filter(pk=ledger.product.pk).update(
                updates="limited", update_days=0
            )
            release.published_at = timezone.now()
            release.save()
        case "processing" | "failed":
            get_asset_model()._default_manager.filter(pk=asset.pk).update(state=how)
        case "lost":
            asset.file.storage.delete(asset.file.name)


def lines() -> list[tuple[str, str]]:
    log = get_download_model().objects.order_by("pk")
    return list(log.values_list("outcome", "code"))


ENDED = [
    ("revoked", "revoked", "You no longer have access"),
    ("withdrawn", "revoked", "You no longer have access"),
    ("refunded", "refunded", "This purchase was refunded"),
    ("disputed", "disputed", "Your access is suspended"),
    ("time over", "ended", "Your time of access is over"),
]


@pytest.mark.parametrize(("how", "code", "heading"), ENDED)
def test_who_lost_access_reads_why_at_the_click_and_at_the_link(
    shopper, ledger, asset, how, code, heading
) -> None:
    ledger.grant(expires_at=timezone.now() + timedelta(days=1))
    link = click(shopper, asset)["Location"]
    end(ledger, how)
    for answer in (shopper.get(link), click(shopper, asset)):
        assert answer.status_code == 403
        assert answer.context["code"] == code
        assert f"<h1>{heading}</h1>" in answer.content.decode()
        assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
        assert answer["Referrer-Policy"] == "same-origin"  # a button posts from some of them
    assert lines() == [("refused", code)] * 2


WITHHELD = [
    ("yanked", 404, "refused", "withdrawn", "This version was withdrawn"),
    ("later than updates", 403, "refused", "updates_ended", "not part of your purchase"),
    ("processing", 404, "refused", "processing", "This file is not ready yet"),
    ("failed", 404, "refused", "processing", "This file is not ready yet"),
    ("lost", 404, "missing", "missing", "This file is not available"),
]


@pytest.mark.parametrize(("how", "status", "outcome", "code", "heading"), WITHHELD)
def test_an_owner_reads_why_a_file_is_not_given(
    shopper, ledger, asset, how, status, outcome, code, heading
) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    change(ledger, asset, how)
    answers = [shopper.get(link)]
    if how != "lost":  # only the storage knows
        answers.append(click(shopper, asset))
    for answer in answers:
        assert (answer.status_code, answer.context["code"]) == (status, code)
        assert heading in answer.content.decode()
    assert lines() == [(outcome, code)] * len(answers)
    assert len(ledger.rows) == 1


def test_the_page_of_a_withdrawn_release_says_what_its_seller_wrote(shopper, ledger, asset) -> None:
    ledger.grant()
    change(ledger, asset, "yanked")
    assert "Why: It eats your files." in click(shopper, asset).content.decode()


def test_an_expired_link_has_the_code_and_a_button_and_no_line(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        answer = shopper.get(link)
    assert (answer.status_code, answer.context["code"]) == (410, "expired")
    assert lines() == []


@pytest.mark.parametrize("how", ["revoked", "yanked", "later than updates", "processing"])
def test_a_head_of_what_is_refused_has_the_status_and_no_line(shopper, ledger, asset, how) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    if how == "revoked":
        end(ledger, how)
    else:
        change(ledger, asset, how)
    assert shopper.head(link).status_code in {403, 404}
    assert lines() == []


def test_a_sample_asked_for_as_a_file_of_owners_is_not_there(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    get_asset_model()._default_manager.filter(pk=asset.pk).update(visibility="sample")
    assert click(shopper, asset).status_code == 404
    assert shopper.get(link).status_code == 404
    assert lines() == []


def test_every_refusal_has_a_page_of_its_own(shopper, ledger, asset) -> None:
    from django.template.loader import render_to_string

    pages = {
        render_to_string(
            "digitalstore/entitlements/download_refused.html",
            {"base_template": "base.html", "code": str(code), "asset": asset, "limit": 5},
        ).replace(f'data-code="{code}"', "")
        for code in Refusal
    }
    assert len(pages) == len(Refusal)


def test_access_revoked_between_the_click_and_the_link_gives_nothing(
    shopper, ledger, asset
) -> None:
    ledger.grant()
    ledger.grant("b")
    link = click(shopper, asset)["Location"]
    take_back(ledger, EndedKind.REFUNDED)
    assert b"".join(shopper.get(link).streaming_content) == b"the words"  # another still stands
    take_back(ledger, EndedKind.REFUNDED, "b")
    assert shopper.get(link).status_code == 403
    assert lines() == [("served", ""), ("refused", "refunded")]


# --- why access ended -----------------------------------------------------------------------------


def why(ledger) -> Any:
    return policies.why_access_ended(ledger.user, ledger.product)


def test_who_never_had_access_is_told_nothing(ledger) -> None:
    assert why(ledger) is None
    ledger.revoke()  # a deny alone
    assert why(ledger) is None


def test_what_lasted_longest_says_why(ledger) -> None:
    ledger.grant("a")
    ledger.grant("b", expires_at=timezone.now() + timedelta(days=1))
    take_back(ledger, EndedKind.REFUNDED)
    assert policies.has_access(ledger.user, ledger.product)
    ledger.let_expire()  # a second ago: before the refund
    assert why(ledger) == Refusal.REFUNDED
    ledger.grant("c", expires_at=timezone.now() + timedelta(days=1))
    get_grant_model()._base_manager.filter(source_reference="c").update(expires_at=timezone.now())
    assert why(ledger) == Refusal.ENDED


def test_a_persons_word_outweighs_a_refund(ledger) -> None:
    ledger.grant()
    take_back(ledger, EndedKind.REFUNDED)
    ledger.revoke()
    assert why(ledger) == Refusal.REVOKED
    ledger.restore()
    assert why(ledger) == Refusal.REFUNDED


def test_a_dispute_that_ends_in_a_refund_is_a_refund(ledger) -> None:
    ledger.grant()
    take_back(ledger, EndedKind.DISPUTED)
    assert why(ledger) == Refusal.DISPUTED
    for _ in range(2):  # facts are applied any number of times
        take_back(ledger, EndedKind.REFUNDED)
        assert why(ledger) == Refusal.REFUNDED
    assert ledger.lines == ["allow order:a disputed", "allow order:a refunded"]


def test_a_refund_while_revoked_stays_one_when_access_is_restored(ledger) -> None:
    ledger.grant()
    ledger.revoke()
    take_back(ledger, EndedKind.REFUNDED)
    assert ledger.restore() is None
    assert why(ledger) == Refusal.REFUNDED


@pytest.mark.parametrize("kind", [EndedKind.REVOKED, EndedKind.LIFTED, EndedKind.REPLACED])
def test_a_source_takes_back_for_its_own_reasons_only(ledger, kind) -> None:
    ledger.grant()
    with pytest.raises(InvalidGrant) as error:
        take_back(ledger, kind)
    assert str(error.value) == (
        f"revoke_product() was given kind='{kind}'. With source=… it takes 'withdrawn', "
        f"'refunded', 'disputed'; without, a person revokes: leave it out."
    )
    assert len(ledger.rows) == 1


@pytest.mark.parametrize("how", ["draft", "scheduled", "sample"])
def test_who_lost_access_is_told_nothing_of_what_owners_do_not_know(
    shopper, ledger, product, how
) -> None:
    ledger.grant()
    take_back(ledger, EndedKind.REFUNDED)
    at = {"draft": None, "scheduled": timezone.now() + timedelta(days=1)}.get(how, timezone.now())
    hidden = make_release_with_file(product, b"the sequel", "sequel.epub", published_at=at)
    if how == "sample":
        get_asset_model()._default_manager.update(visibility="sample")
    assert click(shopper, hidden).status_code == 404
    assert lines() == []


def test_a_person_revokes_without_a_kind(ledger) -> None:
    ledger.grant()
    with pytest.raises(InvalidGrant, match="a person revokes: leave it out"):
        flows.revoke_product(
            ledger.user, ledger.product, kind=EndedKind.REFUNDED, reason="a refund"
        )
    assert len(ledger.rows) == 1
