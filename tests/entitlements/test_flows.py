"""The verbs of access: what each writes, one after the other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from django_digitalstore.core.exceptions import OutsideTransaction
from django_digitalstore.entitlements import (
    flows,
    get_grant_model,
    get_purchased_product_model,
    policies,
)
from django_digitalstore.entitlements.exceptions import AccessWithheld, InvalidGrant
from django_digitalstore.entitlements.signals import access_granted, access_revoked
from django_digitalstore.entitlements.sources import Source

pytestmark = pytest.mark.django_db


def in_days(days: int):
    return timezone.now() + timedelta(days=days)


@pytest.fixture
def heard():
    """Collect the signals as (name, user's key, product's key)."""
    got: list[tuple[str, object, object]] = []

    def on_granted(sender, user_id, product_id, **kwargs):
        got.append(("granted", user_id, product_id))

    def on_revoked(sender, user_id, product_id, **kwargs):
        got.append(("revoked", user_id, product_id))

    access_granted.connect(on_granted)
    access_revoked.connect(on_revoked)
    yield got
    access_granted.disconnect(on_granted)
    access_revoked.disconnect(on_revoked)


def test_a_grant_gives_access_by_one_row_and_one_line(ledger) -> None:
    row = ledger.grant()
    assert ledger.rows == [row]
    assert row.expires_at is None
    assert ledger.lines == ["allow order:a"]


def test_the_same_source_twice_is_one_grant(ledger) -> None:
    first = ledger.grant()
    assert ledger.grant() == first
    assert ledger.lines == ["allow order:a"]


def test_the_same_source_with_another_expiry_replaces_its_grant(ledger) -> None:
    until = in_days(30)
    first = ledger.grant(expires_at=until)
    second = ledger.grant()
    assert second == first
    assert ledger.row.expires_at is None
    assert ledger.lines == ["allow order:a replaced", "allow order:a"]


def test_two_sources_are_two_grants_and_one_row(ledger) -> None:
    assert ledger.grant("a") == ledger.grant("b")
    assert len(ledger.rows) == 1
    assert ledger.lines == ["allow order:a", "allow order:b"]


def test_refunding_one_of_two_orders_leaves_the_other(ledger) -> None:
    row = ledger.grant("a")
    ledger.grant("b")
    assert ledger.refund("a") == 1
    assert ledger.rows == [row]
    assert ledger.lines == ["allow order:a withdrawn", "allow order:b"]


def test_refunding_the_only_order_ends_access(ledger) -> None:
    ledger.grant()
    assert ledger.refund() == 1
    assert ledger.rows == []
    assert ledger.refund() == 0


def test_the_row_lasts_as_long_as_the_longest_grant(ledger) -> None:
    month, year = in_days(30), in_days(365)
    ledger.grant("month", expires_at=month)
    assert ledger.row.expires_at == month
    ledger.grant("year", expires_at=year)
    assert ledger.row.expires_at == year
    ledger.grant("for ever")
    assert ledger.row.expires_at is None


def test_the_lifetime_order_refunded_beside_a_gift_of_30_days_leaves_30_days(ledger) -> None:
    until = in_days(30)
    row = ledger.grant("order")
    ledger.grant("gift", expires_at=until)
    ledger.refund("order")
    assert ledger.row == row
    assert ledger.row.expires_at == until


def test_bought_again_after_a_refund_is_a_new_row(ledger) -> None:
    first = ledger.grant("a")
    key = first.pk
    ledger.refund("a")
    assert ledger.grant("b").pk != key


def test_an_expired_row_met_by_the_writer_is_replaced_by_one_with_a_new_key(ledger) -> None:
    key = ledger.grant("a", expires_at=in_days(1)).pk
    ledger.let_expire()
    again = ledger.grant("b")
    assert again.pk != key
    assert ledger.rows == [again]


def test_an_expired_row_is_cleared_by_the_job(ledger, other_customer, product) -> None:
    ledger.grant(expires_at=in_days(1))
    kept = flows.grant_product(other_customer, product, source=Source("gift"))
    ledger.let_expire()
    assert flows.clear_expired() == 1
    assert ledger.rows == []
    kept.refresh_from_db()
    assert flows.clear_expired() == 0


def test_a_revoke_ends_every_grant_and_denies(ledger, customer, product) -> None:
    ledger.grant("a")
    ledger.grant("b")
    assert ledger.revoke() == 2
    assert ledger.rows == []
    assert policies.is_withheld(customer, product)
    assert ledger.lines == ["allow order:a revoked", "allow order:b revoked", "deny revoked"]


def test_a_second_revoke_changes_nothing(ledger) -> None:
    ledger.grant()
    ledger.revoke()
    assert ledger.revoke() == 0
    assert ledger.lines == ["allow order:a revoked", "deny revoked"]


def test_somebody_who_owns_nothing_can_be_denied_beforehand(ledger) -> None:
    assert ledger.revoke() == 0
    with pytest.raises(AccessWithheld):
        ledger.grant()


def test_a_grant_while_denied_is_refused_and_writes_nothing(ledger, customer, product) -> None:
    ledger.grant("a")
    ledger.revoke()
    before = ledger.lines
    with pytest.raises(AccessWithheld) as caught:
        ledger.grant("b")
    assert str(caught.value) == (
        f"User {customer.pk} was denied product {product.pk} by a person. "
        f"Call entitlements.flows.restore_product(user, product, reason=…) first."
    )
    assert ledger.lines == before
    assert ledger.rows == []


def test_with_the_mutex_taken_a_refused_grant_leaves_the_callers_transaction_usable(
    ledger, customer, product
) -> None:
    ledger.revoke()
    with transaction.atomic():
        flows.lock_access([(customer, product)])
        with pytest.raises(AccessWithheld):
            flows.grant_locked(customer, product, source=Source("order", "b"))
        ledger.restore()
    assert ledger.lines == ["deny revoked lifted"]


def test_with_the_mutex_taken_a_half_written_grant_cannot_be_kept(
    ledger, customer, product
) -> None:
    def broken(sender, **kwargs):
        raise LookupError("a receiver of the host's")

    def goes_on():
        with transaction.atomic():
            flows.lock_access([(customer, product)])
            with pytest.raises(LookupError):
                flows.grant_locked(customer, product, source=Source("order", "b"))
            return ledger.lines

    model = get_purchased_product_model()
    post_save.connect(broken, sender=model)
    try:
        with pytest.raises(transaction.TransactionManagementError):
            goes_on()
    finally:
        post_save.disconnect(broken, sender=model)
    assert ledger.lines == []
    assert ledger.rows == []


@pytest.mark.django_db(transaction=True)
def test_a_grant_that_relies_on_a_mutex_is_refused_where_none_can_be_held(
    customer, product
) -> None:
    with pytest.raises(OutsideTransaction) as caught:
        flows.grant_locked(customer, product, source=Source("order", "b"))
    assert str(caught.value) == (
        "entitlements.flows.grant_locked() was called outside a transaction, where no mutex is "
        "held. Call grant_product() instead: it opens one and takes the mutex."
    )


def test_restore_brings_back_what_the_revoke_ended(ledger) -> None:
    key = ledger.grant().pk
    ledger.revoke()
    row = ledger.restore()
    assert ledger.rows == [row]
    assert row.pk != key
    assert ledger.lines == ["allow order:a revoked", "deny revoked lifted", "allow order:a"]


def test_restore_keeps_the_expiry(ledger) -> None:
    until = in_days(30)
    ledger.grant(expires_at=until)
    ledger.revoke()
    assert ledger.restore().expires_at == until


def test_restore_does_not_bring_back_what_was_refunded_meanwhile(ledger) -> None:
    ledger.grant("kept")
    ledger.grant("refunded")
    ledger.revoke()
    assert ledger.refund("refunded") == 0
    ledger.restore()
    assert ledger.lines == [
        "allow order:kept revoked",
        "allow order:refunded revoked",
        "deny revoked lifted",
        "allow order:refunded withdrawn",
        "allow order:kept",
    ]


def test_restore_gives_none_where_everything_was_refunded_meanwhile(ledger) -> None:
    ledger.grant()
    ledger.revoke()
    ledger.refund()
    assert ledger.restore() is None
    assert ledger.rows == []


def test_restore_gives_none_where_the_time_is_over(ledger) -> None:
    ledger.grant(expires_at=in_days(1))
    ledger.revoke()
    ledger.let_expire()
    assert ledger.restore() is None


def test_restore_without_a_revoke_changes_nothing(ledger) -> None:
    assert ledger.restore() is None
    row = ledger.grant()
    ledger.refund()
    assert ledger.restore() is None
    row = ledger.grant("b")
    assert ledger.restore() == row
    assert ledger.lines == ["allow order:a withdrawn", "allow order:b"]


def test_a_revoke_needs_a_reason(customer, product) -> None:
    with pytest.raises(InvalidGrant) as caught:
        flows.revoke_product(customer, product, reason="  ")
    assert str(caught.value) == (
        "revoke_product() needs a reason. Pass reason='refund of order …'."
    )


def test_a_restore_needs_a_reason(customer, product) -> None:
    with pytest.raises(InvalidGrant) as caught:
        flows.restore_product(customer, product, reason="")
    assert str(caught.value) == (
        "restore_product() needs a reason. Pass reason='revoked by mistake'."
    )


def test_an_unsaved_user_owns_nothing(product) -> None:
    nobody = get_user_model()()  # with a UUID for a key it has one before it has a row
    with pytest.raises(InvalidGrant) as caught:
        flows.grant_product(nobody, product, source=Source("gift"))
    assert str(caught.value) == (
        f"The user {nobody!r} has no row in the database, so it can own or be owned by nothing. "
        f"Pass a saved user."
    )


def test_an_expiry_in_the_past_is_refused(customer, product) -> None:
    past = timezone.now() - timedelta(seconds=1)
    with pytest.raises(InvalidGrant) as caught:
        flows.grant_product(customer, product, source=Source("gift"), expires_at=past)
    assert str(caught.value) == (
        f"grant_product() was given expires_at={past.isoformat()}, which is past. "
        f"Pass a time to come, or None for ever."
    )


@pytest.mark.parametrize("kind", ["", "x" * 41])
def test_a_source_needs_a_kind_that_fits(kind: str) -> None:
    with pytest.raises(InvalidGrant) as caught:
        Source(kind)
    assert str(caught.value) == (
        f"Source(kind={kind!r}, reference=''): a source needs a kind of 1 to 40 characters and a "
        f"reference of at most 200. Write Source('gift', 'birthday-2026')."
    )


def test_who_did_it_and_why_stands_in_the_ledger(customer, product, staff) -> None:
    flows.grant_product(
        customer, product, source=Source("manual"), actor=staff, reason="a press copy"
    )
    flows.revoke_product(customer, product, actor=staff, reason="resold it")
    allow, deny = get_grant_model().objects.order_by("pk")
    assert (allow.actor, allow.reason) == (staff, "a press copy")
    assert (allow.ended_by, allow.ended_reason) == (staff, "resold it")
    assert (deny.actor, deny.reason) == (staff, "resold it")


# --- signals -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_signals_come_after_the_commit_and_only_when_a_row_comes_or_goes(
    ledger, customer, product, heard
) -> None:
    with transaction.atomic():
        ledger.grant("a")
        ledger.grant("b")
        assert heard == []
    assert heard == [("granted", customer.pk, product.pk)]
    ledger.refund("a")
    assert len(heard) == 1
    ledger.refund("b")
    assert heard[1:] == [("revoked", customer.pk, product.pk)]


@pytest.mark.django_db(transaction=True)
def test_no_signal_comes_for_what_was_rolled_back(ledger, heard) -> None:
    with transaction.atomic():
        ledger.grant()
        transaction.set_rollback(True)
    assert heard == []
    assert ledger.rows == []


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_calls_a_flow_is_refused_and_logged(
    ledger, customer, make_product, caplog
) -> None:
    bonus = make_product("A bonus")

    def give_bonus(sender, **kwargs):
        flows.grant_product(customer, bonus, source=Source("bonus"))

    access_granted.connect(give_bonus)
    try:
        row = ledger.grant()
    finally:
        access_granted.disconnect(give_bonus)
    assert ledger.rows == [row]
    assert not policies.has_access(customer, bonus)
    (record,) = [r for r in caplog.records if r.name == "django.dispatch"]
    assert str(record.exc_info[1]) == (
        "entitlements.flows.grant_product() was called by a receiver of the signal "
        "access_granted. Signals notify after the change; they never decide. Put what a paid "
        "line does into a fulfilment and name it in DIGITALSTORE_FULFILMENTS, or call the flow "
        "from your own view, command or task."
    )
