"""What SQL can break past the guard, and how it is found."""

from __future__ import annotations

from typing import Any

import pytest

from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements import get_grant_model
from django_digitalstore.entitlements.testing import customer_who_owns
from django_digitalstore.payments.flows import settle_order
from django_digitalstore.support import get_support_allowance_model
from django_digitalstore.support.testing import give_allowance, open_request, paid_support

pytestmark = pytest.mark.django_db

BY_SQL = "it was written past support.flows: find out by whom, and close the request."


def by_sql(row: Any, **values: Any) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(**values)


def found() -> list[str]:
    return [str(each) for each in violations() if each.invariant.startswith("support.")]


def test_what_the_flows_write_is_right(owner: Any, supported: Any) -> None:
    paid_support(owner, supported)
    for _ in range(3):
        open_request(owner, supported)
    assert list(violations()) == []


def test_support_for_what_was_never_given(owner: Any, supported: Any, other_customer: Any) -> None:
    request = open_request(owner, supported)
    by_sql(request, user=other_customer)
    assert found() == [
        (
            f"shop.SupportRequest {request.pk} – its customer had never been given the product – "
            f"{BY_SQL}"
        )
    ]


def test_support_before_the_purchase(owner: Any, supported: Any) -> None:
    request = open_request(owner, supported)
    grant = get_grant_model().objects.get()
    by_sql(request, opened_at=grant.granted_at.replace(year=2001))
    assert len(found()) == 1


def test_an_allowance_used_twice(owner: Any, product: Any) -> None:
    allowance = give_allowance(owner, product)
    give_allowance(owner, product)
    open_request(owner, product)
    by_sql(open_request(owner, product), allowance=allowance)
    assert found() == [
        (
            f"shop.SupportAllowance {allowance.pk} – it gives 1, and 2 requests use it – it was "
            f"written past support.flows: grant the difference, with a reason."
        )
    ]


def test_an_allowance_of_somebody_else(owner: Any, supported: Any) -> None:
    other = customer_who_owns(supported)
    request = open_request(owner, supported)
    by_sql(request, allowance=give_allowance(other, supported))
    assert found() == [
        (
            f"shop.SupportRequest {request.pk} – its allowance is another user's, or for another "
            f"product – {BY_SQL}"
        )
    ]


def test_a_request_that_says_nothing(owner: Any, supported: Any) -> None:
    request = open_request(owner, supported)
    messages = type(request.messages.get())._base_manager.filter(request=request)
    messages._raw_delete(messages.db)
    assert found() == [f"shop.SupportRequest {request.pk} – nobody wrote a message – {BY_SQL}"]


def test_a_paid_pack_that_gave_nothing_and_is_healed(owner: Any, supported: Any) -> None:
    order = paid_support(owner, supported)
    allowances = get_support_allowance_model()._base_manager.all()
    allowances._raw_delete(allowances.db)
    assert found() == [
        (
            f"shop.OrderLine {order.public_id}/1 – it is paid, and gave no support – settle its "
            f"order again in the admin, or call payments.flows.settle_order(order)."
        )
    ]
    settle_order(order)
    assert found() == []
