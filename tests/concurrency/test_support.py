"""Support under concurrency: the last unit of an allowance is used once, whoever comes together."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.support import (
    flows,
    get_support_allowance_model,
    get_support_request_model,
)
from django_digitalstore.support.exceptions import NoSupport
from django_digitalstore.support.policies import support_allowance
from django_digitalstore.support.testing import give_allowance, offer_support, open_request

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("support"),
]


@pytest.fixture
def owner(shared_database: Path | None, customer: Any, product: Any) -> Any:
    grant(customer, product)
    return customer


def opened(answers: list[Any]) -> list[Any]:
    """Return the requests among the answers; every other one is a refusal."""
    requests = [answer for answer in answers if not isinstance(answer, Exception)]
    refusals = [answer for answer in answers if isinstance(answer, Exception)]
    assert {type(refusal) for refusal in refusals} <= {NoSupport}, refusals
    return requests


def test_two_tabs_and_one_unit_are_one_request(owner: Any, product: Any, at_once: Any) -> None:
    offer_support(product, included_requests=1)
    answers = at_once(*[partial(open_request, owner, product) for _ in range(6)])
    assert len(opened(answers)) == 1
    codes = {answer.code for answer in answers if isinstance(answer, NoSupport)}
    assert codes == {"used_up"}
    assert get_support_request_model().objects.count() == 1
    assert list(violations()) == []


def test_the_last_unit_of_a_pack_is_used_once(owner: Any, product: Any, at_once: Any) -> None:
    allowance = give_allowance(owner, product, 2)
    answers = at_once(*[partial(open_request, owner, product) for _ in range(6)])
    assert {request.allowance_id for request in opened(answers)} == {allowance.pk}
    assert len(opened(answers)) == 2
    assert list(violations()) == []


def test_a_double_click_is_one_request_with_one_file(
    owner: Any, product: Any, at_once: Any, private_files: Path
) -> None:
    offer_support(product, included_requests=1)
    before = set((private_files / "support").rglob("*.txt"))

    def click() -> Any:
        files = [SimpleUploadedFile("log.txt", b"it broke")]
        return open_request(owner, product, key="form-1", files=files)

    answers = at_once(*[click] * 6)
    assert len(opened(answers)) == 6
    assert len({request.pk for request in answers}) == 1
    assert answers[0].messages.get().attachments.count() == 1
    assert len(set((private_files / "support").rglob("*.txt")) - before) == 1


def test_the_limit_of_an_hour_holds_over_all_products(
    owner: Any, product: Any, make_product: Any, at_once: Any, settings: Any
) -> None:
    settings.DIGITALSTORE_SUPPORT_REQUESTS_PER_HOUR = 2
    products = [product, *(make_product(f"Book {n}", released=False) for n in range(3))]
    for each in products:
        grant(owner, each)
        offer_support(each)
    answers = at_once(*[partial(open_request, owner, each) for each in products])
    assert len(opened(answers)) == 2


def test_a_pack_that_is_refunded_while_it_is_used(owner: Any, product: Any, at_once: Any) -> None:
    for number in range(5):
        source = Source("payment", str(number))
        give_allowance(owner, product, 1, source=source)
        answers = at_once(
            partial(open_request, owner, product),
            partial(flows.end_source, owner, product, source=source, reason="refund"),
        )
        assert answers[1] == 1
        for request in opened(answers[:1]):
            flows.resolve(request, actor=owner)
    assert not get_support_allowance_model().objects.standing().exists()
    assert list(violations()) == []


def test_both_sides_write_at_once(owner: Any, product: Any, seller: Any, at_once: Any) -> None:
    offer_support(product)
    request = open_request(owner, product)
    answers = at_once(
        partial(flows.reply, request, author=owner, body="And?"),
        partial(flows.reply, request, author=seller, body="Turn the page."),
        partial(flows.resolve, request, actor=seller),
        partial(flows.add_note, request, author=seller, body="psst"),
    )
    assert opened(answers) == answers
    assert request.messages.count() == 4


def test_access_is_lost_while_a_request_is_opened(owner: Any, product: Any, at_once: Any) -> None:
    offer_support(product)
    answers = at_once(partial(open_request, owner, product), partial(revoke, owner, product))
    assert len(opened(answers[:1])) == get_support_request_model().objects.count()
    with pytest.raises(NoSupport):
        open_request(owner, product)


def test_terms_saved_twice_at_once_are_one_row(product: Any, seller: Any, at_once: Any) -> None:
    save = partial(flows.save_terms, product, included="unlimited", actor=seller)
    answers = at_once(*[save] * 6)
    assert len({terms.pk for terms in answers}) == 1


def test_one_source_granted_at_once_gives_once(owner: Any, product: Any, at_once: Any) -> None:
    give = partial(give_allowance, owner, product, 3, source=Source("payment", "1"))
    assert len({allowance.pk for allowance in at_once(*[give] * 6)}) == 1
    assert support_allowance(owner, product).bought_left == 3
