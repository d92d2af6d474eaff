"""Closing and opening: what is written, what is refused, and what the database would not take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_digitalstore.contrib.underconstruction import flows
from django_digitalstore.contrib.underconstruction.exceptions import ClosureRefused
from django_digitalstore.contrib.underconstruction.flag import flag
from django_digitalstore.contrib.underconstruction.models import SiteStatus, SiteStatusChange

pytestmark = pytest.mark.django_db


def state() -> tuple[object, ...]:
    return SiteStatus.objects.values_list("is_on", "starts_at", "ends_at", "message").get()


def test_closing_and_opening_is_written_down_with_who_and_why(staff):
    until = timezone.now() + timedelta(hours=1)
    flows.switch_on(reason="We move.", actor=staff, message=" New shelves. ", until=until)
    assert state() == (True, None, until, "New shelves.")
    flows.switch_off(reason="Done.", actor=staff)
    assert state() == (False, None, None, "")
    row = SiteStatus.objects.get()
    assert (row.changed_by, row.reason, row.version) == (staff, "Done.", 2)
    changes = SiteStatusChange.objects.values_list("change", "reason", "changed_by", "message")
    assert list(changes) == [
        ("opened", "Done.", staff.pk, ""),
        ("closed", "We move.", staff.pk, "New shelves."),
    ]


def test_a_schedule_takes_the_place_of_the_switch_and_the_other_way_round():
    starts_at = timezone.now() + timedelta(hours=1)
    flows.switch_on(reason="Now.")
    flows.schedule(starts_at=starts_at, reason="Rather later.")
    assert state() == (False, starts_at, None, "")
    flows.switch_on(reason="Now, after all.")
    assert state() == (True, None, None, "")


def test_a_person_who_goes_leaves_what_they_did(staff):
    flows.switch_on(reason="We move.", actor=staff)
    staff.delete()
    assert SiteStatus.objects.get().changed_by is None
    assert SiteStatusChange.objects.get().reason == "We move."


def refused(**given: object) -> str:
    flow = flows.schedule if "starts_at" in given else flows.switch_on
    with pytest.raises(ClosureRefused) as caught:
        flow(**{"reason": "We move.", **given})  # type: ignore[arg-type]
    assert not SiteStatus.objects.exists()
    assert not SiteStatusChange.objects.exists()
    (message,) = caught.value.messages
    return message


def test_what_can_not_be_is_refused():
    now = timezone.now()
    hour = timedelta(hours=1)
    passed = "The end of the closure has passed already."
    assert refused(until=now - hour) == passed
    assert refused(starts_at=now - 2 * hour, ends_at=now - hour) == passed
    assert refused(starts_at=now + hour, ends_at=now + hour) == (
        "The closure has to end after it begins."
    )
    assert refused(reason=" ") == "Write why. It is kept in the history."
    assert refused(message="x" * 2001) == "The message has more than 2000 characters."
    assert refused(retry_after=0) == "Programs can come again after one second at the earliest."


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("dstore_uc_one_row", {"id": 2}),
        ("dstore_uc_hand_or_schedule", {"is_on": True, "starts_at": 1}),
        ("dstore_uc_end_of_something", {"ends_at": 1}),
        ("dstore_uc_ends_after_start", {"starts_at": 2, "ends_at": 2}),
        ("dstore_uc_retry_later", {"retry_after": 0}),
    ],
)
def test_the_database_takes_no_status_that_can_not_be(constraint, columns):
    given = {
        name: timezone.now() + timedelta(hours=value) if name.endswith("_at") else value
        for name, value in columns.items()
    }
    if constraint == "dstore_uc_ends_after_start":
        given["ends_at"] = given["starts_at"]
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        SiteStatus.objects.create(**given)
    assert constraint in str(caught.value)


def test_this_process_knows_of_a_change_when_it_is_committed(django_capture_on_commit_callbacks):
    assert not flag.current().is_on
    with django_capture_on_commit_callbacks(execute=True):
        flows.switch_on(reason="We move.")
        assert not flag.current().is_on
    assert flag.current().is_on


@pytest.mark.django_db(transaction=True)
def test_two_who_switch_at_once_do_it_one_after_the_other(shared_database, at_once):
    answers = at_once(*[lambda: flows.switch_on(reason="We move.")] * 4)
    assert sorted(row.version for row in answers) == [1, 2, 3, 4]
    assert SiteStatusChange.objects.count() == 4
