"""Releases under concurrency: the same version twice, and several buttons at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from django_digitalstore.catalog import flows, get_release_model
from django_digitalstore.catalog.exceptions import ProductNotReady

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("catalog"),
]


@pytest.fixture
def product(shared_database: None, make_product: Callable[..., Any]) -> Any:
    return make_product("A book", released=False)


def stored(release: Any) -> Any:
    return get_release_model()._default_manager.get(pk=release.pk)


def test_of_the_same_version_made_at_once_one_is_saved_and_the_others_read_why(product, at_once):
    def make() -> Any:
        return flows.save_release(get_release_model()(product=product, version="2.0"))

    answers = at_once(*[make] * 6)

    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 5
    assert [error.message_dict for error in refused if isinstance(error, ProductNotReady)] == [
        {"version": ["There is a version 2.0 of it already. Write another one, or edit that."]}
    ] * 5
    assert product.releases.count() == 1


def test_published_by_several_at_once_it_has_one_date(product, at_once):
    draft = flows.save_release(get_release_model()(product=product, version="2.0"))

    answers = at_once(*[lambda: flows.publish_release(stored(draft)).published_at] * 6)

    assert set(answers) == {stored(draft).published_at}


def test_withdrawn_by_several_at_once_it_has_the_reason_of_the_first(product, at_once):
    release = flows.publish_release(
        flows.save_release(get_release_model()(product=product, version="2.0"))
    )

    def withdraw(reason: str) -> tuple[Any, str]:
        row = flows.yank_release(stored(release), reason=reason)
        return row.yanked_at, row.yanked_reason

    answers = at_once(*[partial(withdraw, f"Reason {number}") for number in range(6)])

    now = stored(release)
    assert set(answers) == {(now.yanked_at, now.yanked_reason)}
