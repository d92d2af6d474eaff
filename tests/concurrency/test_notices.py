"""Release notices under concurrency: whoever clicks, sends and unsubscribes at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core import mail

from django_digitalstore.catalog import get_release_model
from django_digitalstore.catalog.testing import make_release
from django_digitalstore.core import outbox
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.entitlements import flows, policies
from django_digitalstore.entitlements.emails import write_notices
from django_digitalstore.entitlements.models import ReleaseNoticeOptOut
from django_digitalstore.entitlements.sources import Source

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("entitlements"),
]


@pytest.fixture
def product(shared_database: None, make_product: Callable[..., Any]) -> Any:
    return make_product("A book", released=False)


@pytest.fixture
def owners(product: Any, make_user: Callable[..., Any]) -> list[Any]:
    people = [make_user(f"reader-{number}") for number in range(5)]
    for person in people:
        flows.grant_product(person, product, source=Source("gift"))
    return people


def errors(answers: list[Any]) -> list[Any]:
    return [answer for answer in answers if isinstance(answer, Exception)]


def test_of_clicks_at_once_one_tells_and_each_owner_is_told_once(
    monkeypatch, owners, product, at_once
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    release = make_release(product, version="2.0", files={})

    def click() -> int | None:
        row = get_release_model()._default_manager.get(pk=release.pk)
        return flows.notify_owners(row)

    answers = at_once(*[click] * 8)

    assert errors(answers) == []
    assert sorted(answers, key=str) == [5] + [None] * 7
    sweeps = at_once(*[outbox.sweep] * 4)
    assert errors(sweeps) == []
    outbox.sweep()
    assert sorted(message.to[0] for message in mail.outbox) == sorted(o.email for o in owners)
    assert not OutboxMessage.objects.exclude(state="sent").exists()


def test_of_batches_written_at_once_each_owner_has_one_message(
    monkeypatch, owners, product, at_once
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    release = make_release(product, version="2.0", files={})
    payload = {"release": str(release.pk)}

    answers = at_once(*[partial(write_notices, payload, None)] * 6)

    assert answers == [None] * 6
    assert OutboxMessage.objects.count() == 5


def test_an_opt_out_of_many_clicks_is_one(owners, product, at_once) -> None:
    answers = at_once(
        *[partial(flows.opt_out, owners[0], product)] * 8, *[partial(flows.opt_out, owners[0])] * 8
    )

    assert answers == [None] * 16
    assert ReleaseNoticeOptOut.objects.count() == 2
    assert policies.is_opted_out(owners[0])
