"""The limit of downloads under concurrency: never one more, whatever comes together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import flows, get_download_model, policies
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import make_release_with_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("entitlements"),
    pytest.mark.urls("tests.entitlements.urls"),
]

STORE = settings.DIGITALSTORE_STORE_APP
LIMIT = 5


@pytest.fixture
def ada(shared_database: None, make_user: Callable[..., Any]) -> Any:
    return make_user("ada")


@pytest.fixture
def asset(shared_database: None, make_product: Callable[..., Any]) -> Any:
    book = make_product("A book", released=False, download_limit=LIMIT)
    return make_release_with_file(book, b"0123456789", "book.epub")


@pytest.fixture
def purchase(ada: Any, asset: Any) -> Any:
    return flows.grant_product(ada, asset.release.product, source=Source("gift"))


def redeem(link: str, cookies: Any, headers: dict[str, str]) -> int:
    browser = Client()
    browser.cookies = cookies
    answer = browser.get(link, headers=headers)
    if answer.streaming:
        answer.close()
    return int(answer.status_code)


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-"}], ids=["whole", "from the start"])
def test_fifty_redemptions_at_once_give_exactly_five(
    ada, asset, purchase, client_of, at_once, headers
) -> None:
    browser = client_of(ada)
    link = browser.post(reverse(f"{STORE}:download_link", args=[asset.pk]))["Location"]

    answers = at_once(*[partial(redeem, link, browser.cookies, headers)] * 50)

    given = 206 if headers else 200
    assert Counter(answers) == {given: LIMIT, 403: 50 - LIMIT}
    assert get_download_model().objects.served().count() == LIMIT
    refused = get_download_model().objects.filter(outcome="refused", code="limit")
    assert refused.count() == 50 - LIMIT


def test_later_parts_at_once_without_a_beginning_are_one_download(asset, purchase, at_once) -> None:
    part = partial(
        flows.record_download, purchase, asset, is_rest=True, address=None, agent="aria2"
    )

    answers = at_once(*[part] * 20)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert get_download_model().objects.served().count() == 1


def test_a_reset_beside_downloads_gives_as_many_again_and_no_more(
    ada, asset, purchase, at_once
) -> None:
    download = partial(flows.record_download, purchase, asset, address=None, agent="")
    for _ in range(LIMIT):
        download()
    reset = partial(flows.reset_downloads, ada, asset.release.product, reason="the disk broke")

    answers = at_once(reset, *[download] * 20)

    given = sum(type(answer) is get_download_model() for answer in answers[1:])
    assert given == policies.downloads_used(purchase) <= LIMIT
    assert get_download_model().objects.filter(outcome="reset").count() == 1


def test_two_buyers_do_not_take_each_others_downloads(asset, make_user, at_once) -> None:
    product = get_product_model().objects.get()
    purchases = [
        flows.grant_product(make_user(name), product, source=Source("gift"))
        for name in ("ada", "grace")
    ]
    works = [
        partial(flows.record_download, purchase, asset, address=None, agent="")
        for purchase in purchases
        for _ in range(LIMIT)
    ]

    answers = at_once(*works)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert [policies.downloads_used(purchase) for purchase in purchases] == [LIMIT, LIMIT]
