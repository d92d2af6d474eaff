"""Damage to access that came past the guard is found, named, and healed as the finding says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_digitalstore.core.invariants import Violation, violations
from django_digitalstore.entitlements import flows, get_grant_model, get_purchased_product_model
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.sources import Source

pytestmark = pytest.mark.django_db

AGAIN = (
    "call entitlements.flows.restore_product(user, product, reason=…), which derives the row again."
)


def only_violation() -> Violation:
    (violation,) = violations()
    return violation


def label(model: Any) -> str:
    return str(model._meta.label)


@pytest.fixture
def pair(customer: Any, product: Any) -> str:
    return f"user {customer.pk} and product {product.pk}"


@pytest.fixture
def purchase(customer: Any, product: Any) -> Any:
    return flows.grant_product(customer, product, source=Source("gift", "birthday"))


def test_what_flows_write_breaks_no_rule(
    customer: Any, other_customer: Any, product: Any, purchase: Any
) -> None:
    soon = timezone.now() + timedelta(days=1)
    flows.grant_product(other_customer, product, source=Source("gift"), expires_at=soon)
    flows.revoke_product(customer, product, reason="abuse")
    assert list(violations()) == []


def test_access_that_no_grant_gives_is_found(
    customer: Any, product: Any, purchase: Any, pair: str
) -> None:
    get_grant_model()._base_manager.all().delete()
    violation = only_violation()
    assert violation.invariant == "entitlements.access_without_basis"
    assert str(violation) == (
        f"{label(type(purchase))} {purchase.pk} – {pair} have access, and no grant stands – "
        "call entitlements.flows.grant_product(user, product, source=…) if it is right, else "
        "restore_product(user, product, reason=…), which derives the row again."
    )
    flows.restore_product(customer, product, reason="repair")
    assert list(violations()) == []
    assert not has_access(customer, product)


def test_access_in_spite_of_a_deny_is_found(
    customer: Any, product: Any, purchase: Any, pair: str
) -> None:
    grants = get_grant_model()._base_manager
    deny = grants.get()
    deny.pk, deny.effect, deny.source_kind, deny._state.adding = None, "deny", "revoked", True
    grants.bulk_create([deny])
    violation = only_violation()
    assert violation.invariant == "entitlements.access_without_basis"
    assert str(violation) == (
        f"{label(type(purchase))} {purchase.pk} – {pair} have access while a person's deny stands "
        "– call entitlements.flows.revoke_product(user, product, reason=…), or restore_product(…) "
        "to lift the deny."
    )
    flows.revoke_product(customer, product, reason="repair")
    assert list(violations()) == []


def test_a_grant_that_gives_no_access_is_found(
    customer: Any, product: Any, purchase: Any, pair: str
) -> None:
    flows.grant_product(customer, product, source=Source("gift", "another"))
    get_purchased_product_model()._base_manager.all().delete()
    violation = only_violation()
    assert violation.invariant == "entitlements.grants_without_access"
    assert str(violation) == (
        f"{label(type(purchase))} of {pair} – it does not exist, and a grant stands – {AGAIN}"
    )
    flows.restore_product(customer, product, reason="repair")
    assert list(violations()) == []
    assert has_access(customer, product)


@pytest.mark.parametrize("given", [None, timedelta(days=2)])
@pytest.mark.parametrize("planted", [None, timedelta(days=1)])
def test_access_for_another_time_is_found(
    customer: Any, product: Any, pair: str, given: timedelta | None, planted: timedelta | None
) -> None:
    now = timezone.now()
    until = given and now + given
    wrong = planted and now + planted
    row = flows.grant_product(customer, product, source=Source("rent"), expires_at=until)
    get_purchased_product_model()._base_manager.update(expires_at=wrong)
    if given == planted:
        assert list(violations()) == []
        return
    violation = only_violation()
    assert violation.invariant == "entitlements.access_until"
    has = f"until {wrong.isoformat()}" if wrong else "for ever"
    says = f"until {until.isoformat()}" if until else "for ever"
    assert str(violation) == (
        f"{label(type(row))} {row.pk} – {pair} have access {has}, the grants say {says} – {AGAIN}"
    )
    flows.restore_product(customer, product, reason="repair")
    assert list(violations()) == []


def test_a_source_that_gives_twice_is_found(
    customer: Any, product: Any, purchase: Any, pair: str
) -> None:
    grants = get_grant_model()._base_manager
    twin = grants.get()
    twin.pk, twin._state.adding = None, True
    grants.bulk_create([twin])
    violation = only_violation()
    assert violation.invariant == "entitlements.grant_twice"
    assert str(violation) == (
        f"{label(get_grant_model())} of {pair} – 2 grants of the source gift:birthday stand – call "
        "entitlements.flows.revoke_product(user, product, source=…, reason=…) and grant it again."
    )
    gift = Source("gift", "birthday")
    flows.revoke_product(customer, product, source=gift, reason="repair")
    flows.grant_product(customer, product, source=gift)
    assert list(violations()) == []


@pytest.mark.postgres
def test_a_second_row_is_found_where_the_constraint_was_lost(purchase: Any, pair: str) -> None:
    model = get_purchased_product_model()
    (constraint,) = model._meta.constraints
    connection.check_constraints()  # nothing deferred is left, or the table cannot be altered
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    purchase.pk, purchase._state.adding = None, True
    model._base_manager.bulk_create([purchase])
    violation = only_violation()
    assert violation.invariant == "entitlements.access_twice"
    assert str(violation) == (
        f"{label(model)} of {pair} – there are 2 rows: the table lost its unique constraint – "
        "delete all but one by SQL, and add the constraint again: run makemigrations, migrate."
    )
