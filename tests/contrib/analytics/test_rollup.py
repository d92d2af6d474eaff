"""The rollup: what it counts again and when, and what ``digitalstore_rollup`` says and does."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.utils import timezone

from django_digitalstore.contrib.analytics import figures, flows
from django_digitalstore.contrib.analytics.figures import Range, Scope
from django_digitalstore.contrib.analytics.models import DailyFigures, RollupState
from django_digitalstore.core.invariants import violations
from django_digitalstore.core.jobs import run_due
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.payments import flows as payments
from django_digitalstore.payments import get_order_model, get_payment_model, get_refund_model
from django_digitalstore.payments.events import RefundReported
from django_digitalstore.payments.testing import dispute, paid_order, place_order, refund
from tests.contrib.analytics import sales
from tests.contrib.analytics.sales import local

pytestmark = pytest.mark.django_db

EUR = Scope(currency="EUR")
NOON = local("2026-05-10 12:00")
MAY = Range(date(2026, 5, 1), date(2026, 5, 31))


@pytest.fixture
def book(make_product, seller):
    return make_product("A book", seller=seller)


def rows(**columns: Any) -> QuerySet[DailyFigures]:
    return DailyFigures.objects.filter(**columns).order_by("pk")


def run(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command("digitalstore_rollup", *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


# --- what is counted again ----------------------------------------------------------------------


def test_one_sale_is_a_row_of_the_site_the_seller_their_countries_and_the_product(
    customer, book, seller
):
    sales.sell(customer, (book, 1999), at=NOON)
    assert flows.roll_up() == flows.RolledUp(days=1, written=5, removed=0)
    found = rows().values_list("seller_key", "product_key", "country", "gross")
    key, product = str(seller.pk), str(book.pk)
    assert set(found) == {
        ("*", "*", "*", 1999),
        ("*", "*", "DE", 1999),
        (key, "*", "*", 1999),
        (key, "*", "DE", 1999),
        (key, product, "*", 1999),
    }


def test_a_second_rollup_writes_nothing(customer, book):
    sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    before = list(rows().values())
    assert flows.roll_up() == flows.RolledUp(days=1, written=0, removed=0)
    assert flows.roll_up(since=date(2026, 1, 1)).written == 0
    sales.let_time_pass()
    assert flows.roll_up() == flows.RolledUp()
    assert list(rows().values()) == before


def test_a_rollup_of_which_nothing_changed_asks_little(customer, book):
    for _order in range(10):
        sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    QuerySet.update(type(book)._default_manager.all(), updated_at=NOON)
    with assert_query_budget(6):
        flows.roll_up()


def test_what_happens_long_after_counts_the_old_day_again(customer, book):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    sales.give_back(payment, at=NOON + timedelta(days=2), amount=500)
    assert flows.roll_up() == flows.RolledUp(days=2, written=5, removed=0)
    days = rows(seller_key="*", country="*").order_by("day").values_list("day", "refunded")
    assert list(days) == [(date(2026, 5, 10), 0), (date(2026, 5, 12), 500)]


def test_a_dispute_that_is_won_after_all_leaves_the_day_on_which_it_was_lost(customer, book):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    lost = sales.dispute(payment, at=NOON + timedelta(days=3))
    flows.roll_up()
    sales.let_time_pass()
    assert rows(refunded=1999, day=date(2026, 5, 13)).count() == 5
    sales.change(lost, state="won", state_at=NOON + timedelta(days=9))
    assert flows.roll_up().removed == 5
    assert not rows(refunded__gt=0).exists()
    assert figures.totals(EUR, MAY).net == 1999


@pytest.mark.parametrize(
    "what",
    [
        "a part again",
        "in full",
        "dispute",
        "dispute won",
        "recorded",
    ],
)
def test_every_fact_that_the_flows_take_in_is_noticed(customer, book, superuser, what):
    if what == "recorded":
        payment = place_order(customer, book)
        order = get_order_model().objects.get(pk=payment.order_id)
        said = {"actor": superuser, "reason": "It came by bank."}
        payment = payments.record_payment(order, amount=1999, reference="bank-1", **said)
        sales.let_time_pass()
        payments.record_refund(payment, amount=100, reference="bank-2", **said)
        flows.roll_up()
        sales.let_time_pass()
        sold = payments.record_refund(payment, amount=100, reference="bank-3", **said)
        assert sold.amount == 100
        expected = 200
    else:
        order = paid_order(customer, book)
        reference = ""
        if what == "a part again":
            refund(order, amount=300)
        elif what == "dispute won":
            reference = dispute(order, "lost")
        flows.roll_up()
        sales.let_time_pass()
        if what in {"a part again", "in full"}:
            refund(order, amount=400 if what == "a part again" else None)
        elif what == "dispute":
            dispute(order, "lost")
        else:
            dispute(order, "won", reference=reference)
        expected = {"a part again": 700, "in full": 1999, "dispute": 1999, "dispute won": 0}[what]
    today = Range.latest(2)
    assert figures.totals(EUR, today).refunded == expected
    flows.roll_up()
    sales.let_time_pass()
    assert figures.totals(EUR, today).refunded == expected
    assert list(flows.find_differences()) == []


def test_a_refund_that_succeeds_later_is_noticed_though_the_order_stays_as_it_was(customer, book):
    order = paid_order(customer, book)
    refund(order, amount=300)
    payment = get_payment_model().objects.get(order=order)
    said = {"payment": payment.provider_reference, "refund": "re_2", "amount": 400}
    now = timezone.now()

    def report(state: str, at: Any) -> None:
        event = RefundReported(occurred_at=at, state=state, currency="EUR", **said)
        payments.apply_events("default", [event])

    report("pending", now)
    flows.roll_up()
    sales.let_time_pass()
    report("succeeded", now + timedelta(seconds=1))
    assert figures.totals(EUR, Range.latest(2)).refunded == 700


def test_a_fact_that_is_told_again_moves_nothing(customer, book):
    order = paid_order(customer, book)
    reference = refund(order, amount=300)
    known = get_refund_model().objects.get(provider_reference=reference)
    sales.let_time_pass()
    before = get_order_model().objects.get(pk=order.pk).updated_at
    again = RefundReported(
        payment=known.payment_reference,
        refund=reference,
        occurred_at=known.state_at,
        state=known.state,
        amount=known.amount,
        currency=known.currency,
        items=tuple((item, amount) for item, amount in known.items),
    )
    payments.apply_events("default", [again])
    assert get_order_model().objects.get(pk=order.pk).updated_at == before


def test_a_second_payment_of_a_paid_order_is_noticed(customer, book, superuser):
    order = paid_order(customer, book)
    said = {"actor": superuser, "reason": "It came by bank."}
    payments.record_payment(order, amount=1999, reference="bank-1", **said)
    flows.roll_up()
    sales.let_time_pass()
    payments.record_payment(order, amount=1999, reference="bank-2", **said)
    assert get_payment_model().objects.filter(order=order, state="succeeded").count() == 3
    assert figures.totals(EUR, Range.latest(2)).gross == 3 * 1999


def test_the_periodic_job_rolls_up(customer, book):
    sales.sell(customer, (book, 1999), at=NOON)
    (result,) = run_due(only="analytics.roll_up")
    assert result.error == ""
    assert rows().count() == 5
    state = RollupState.objects.get()
    assert state.time_zone == "UTC"
    assert timezone.now() - state.rolled_up_to < timedelta(minutes=1)


def test_what_was_written_before_the_rollup_and_committed_after_it_is_noticed(customer, book):
    flows.roll_up()
    payment = sales.sell(customer, (book, 1999), at=NOON)
    late = RollupState.objects.get().rolled_up_to - timedelta(seconds=90)
    QuerySet.update(get_order_model().objects.filter(pk=payment.order_id), updated_at=late)
    assert figures.totals(EUR, MAY).orders == 1
    flows.roll_up()
    assert rows().count() == 5


def test_a_rollup_that_began_earlier_does_not_turn_the_time_back(customer, book):
    sales.sell(customer, (book, 1999), at=NOON)
    later = timezone.now() + timedelta(minutes=5)
    RollupState.objects.create(rolled_up_to=later, time_zone="UTC")
    flows.roll_up()
    assert RollupState.objects.get().rolled_up_to == later


@pytest.mark.django_db(transaction=True)
def test_rollups_at_once_end_as_one(shared_database, at_once, customer, book):
    payments_made = [
        sales.sell(customer, (book, 1999), at=NOON + timedelta(days=day)) for day in range(5)
    ]
    flows.roll_up()
    for payment in payments_made:
        sales.give_back(payment, at=NOON, amount=100)
    answers = at_once(*[flows.roll_up] * 3, lambda: flows.roll_up(since=date(2026, 1, 1)))
    assert [type(answer) for answer in answers] == [flows.RolledUp] * 4
    assert sum(answer.written for answer in answers) == 5
    assert list(flows.find_differences()) == []
    assert figures.totals(EUR, MAY).refunded == 500


# --- the command --------------------------------------------------------------------------------


def test_the_command_says_what_it_did(customer, book):
    sales.sell(customer, (book, 1999), at=NOON)
    assert run() == "1 days counted: 5 rows written, 0 removed.\n"
    assert run("--since", "2026-05-09", verbosity=2) == (
        "2026-05-10 – 2026-05-10 …\n1 days counted: 0 rows written, 0 removed.\n"
    )
    assert run(verbosity=0) == ""


def test_check_names_each_row_that_is_not_what_the_facts_say(customer, book, seller):
    sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    RollupState.objects.update(rolled_up_to=timezone.now())
    assert run("--check") == "All figures are what the facts say.\n"
    key, product = str(seller.pk), str(book.pk)
    euros, says = "2026-05-10 EUR", "the facts say"
    all_of_it = "orders 1, units 1, gross 1999, refunded 0, checkouts 1, paid_checkouts 1"
    rows(seller_key="*", country="*").update(gross=99_999, units=2)
    rows(product_key=product).delete()
    DailyFigures.objects.create(
        seller_key="", product_key="*", country="*", currency="USD", day=date(2026, 5, 10), units=1
    )
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("digitalstore_rollup", "--check", stdout=out)
    assert caught.value.returncode == 1
    assert str(caught.value) == (
        "3 rows are not what the facts say: see above. Run it with --since and without --check to "
        "count their days again."
    )
    assert out.getvalue().splitlines() == [
        "2026-05-10 USD, the site's own products – is superfluous; the facts say nothing of it",
        f"{euros}, the whole site – units is 2, the facts say 1; gross is 99999, {says} 1999",
        f"{euros}, seller {key}, product {product} – is missing; {says} {all_of_it}",
    ]
    with pytest.raises(CommandError):
        run("--check", "--since", "2026-05-10")
    assert run("--check", "--since", "2026-05-11") == "All figures are what the facts say.\n"
    assert run("--since", "2026-05-10") == "1 days counted: 2 rows written, 1 removed.\n"
    assert run("--check") == "All figures are what the facts say.\n"


def test_check_leaves_out_what_is_still_to_be_counted(customer, book):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    sales.give_back(payment, at=NOON, amount=500)
    assert run("--check") == "All figures are what the facts say.\n"
    assert not rows(refunded=500).exists()


def test_a_sale_while_figures_are_compared_is_no_difference(customer, book):
    sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    rows(seller_key="*", country="*").update(units=2)

    def sell_more(span: Range) -> None:
        sales.sell(customer, (book, 1999), at=NOON + timedelta(days=1))

    sales.sell(customer, (book, 1999), at=NOON + timedelta(days=1))
    flows.roll_up()
    sales.let_time_pass()
    assert [str(found) for found in flows.find_differences(tell=sell_more)] == [
        "2026-05-10 EUR, the whole site – units is 2, the facts say 1"
    ]


def test_a_moment_that_is_none_is_said():
    with pytest.raises(CommandError) as caught:
        run("--since", "yesterday")
    assert str(caught.value).startswith("--since: 'yesterday' is no moment.")


def test_there_is_nothing_to_check_before_the_first_rollup(customer, book, settings):
    sales.sell(customer, (book, 1999), at=NOON)
    assert list(violations("analytics.daily_figures")) == []
    for zone in ("UTC", "Asia/Tokyo"):
        settings.TIME_ZONE = zone
        with pytest.raises(CommandError) as caught:
            run("--check")
        assert str(caught.value) == (
            f"There are no figures by day in the time zone {zone} yet. Run manage.py "
            f"digitalstore_rollup; until then all figures are counted from the facts."
        )
        settings.TIME_ZONE = "UTC"
        flows.roll_up()


def test_the_doctor_finds_a_row_that_was_altered_by_hand(customer, book):
    sales.sell(customer, (book, 1999), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    assert list(violations("analytics.daily_figures")) == []
    rows(seller_key="*", country="DE").update(orders=2)
    (found,) = violations("analytics.daily_figures")
    assert str(found) == (
        "digitalstore_analytics.DailyFigures 2026-05-10 EUR, the whole site, country DE – "
        "orders is 2, the facts say 1 – run manage.py digitalstore_rollup --since 2026-05-10."
    )
