"""Staff see what waits to be sent and when each job last ran, and write none of it by hand."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from django_digitalstore.core.models import JobRun, OutboxMessage, OutboxState

pytestmark = pytest.mark.django_db

LIST = "admin:digitalstore_core_outboxmessage_changelist"


@pytest.fixture
def given_up():
    return OutboxMessage.objects.create(
        kind="email",
        key="receipt:1",
        payload={"to": "ada@example.com", "body": "a private letter"},
        state=OutboxState.FAILED,
        attempts=14,
    )


def requeue(client, *messages):
    data = {"action": "requeue", "_selected_action": [m.pk for m in messages]}
    asked = client.post(reverse(LIST), data)
    if asked.status_code != 302:
        return asked
    data = {"pk": [m.pk for m in messages], "reason": "the mail server is back"}
    return client.post(asked["Location"].partition("?")[0], data, follow=True)


def told(response):
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


def allow(user, *codenames):
    user.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="digitalstore_core", codename__in=codenames
        )
    )
    return user


def test_a_message_that_was_given_up_is_queued_again_and_logged(client_of, superuser, given_up):
    page = requeue(client_of(superuser), given_up)

    assert told(page) == [("success", f"{given_up}: It will be sent again.")]
    given_up.refresh_from_db()
    assert (given_up.state, given_up.attempts) == (OutboxState.PENDING, 0)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (superuser, str(given_up.pk))
    assert entry.get_change_message() == "Try again what was given up: the mail server is back"


def test_a_message_that_was_sent_is_not_sent_again(client_of, superuser, given_up):
    OutboxMessage.objects.update(state=OutboxState.SENT)
    page = requeue(client_of(superuser), given_up)

    assert told(page) == [
        ("warning", f"{given_up}: It was not given up: it is sent, or will be by itself.")
    ]
    given_up.refresh_from_db()
    assert given_up.state == OutboxState.SENT
    assert not LogEntry.objects.exists()


def test_nothing_is_sent_again_without_a_reason(client_of, superuser, given_up):
    page = reverse("admin:digitalstore_core_outboxmessage_reasoned", args=["requeue"])
    client = client_of(superuser)
    assert client.get(page, {"pk": given_up.pk, "reason": "because"}).status_code == 200
    asked = client.post(page, {"pk": given_up.pk, "reason": " "})

    assert asked.context["form"].errors == {"reason": ["This field is required."]}
    given_up.refresh_from_db()
    assert given_up.state == OutboxState.FAILED
    assert not LogEntry.objects.exists()


def test_more_than_a_hundred_rows_are_too_many_for_one_action(client_of, superuser):
    OutboxMessage.objects.bulk_create(
        OutboxMessage(kind="email", key=f"receipt:{n}", payload={}, state=OutboxState.FAILED)
        for n in range(101)
    )
    pks = [message.pk for message in OutboxMessage.objects.all()]
    data = {"action": "requeue", "_selected_action": pks}
    page = client_of(superuser).post(reverse(LIST), data, follow=True)
    assert told(page) == [("error", "Choose at most 100 at once.")]


def test_looking_is_not_sending(client_of, staff, given_up):
    client = client_of(allow(staff, "view_outboxmessage"))
    assert "receipt:1" in client.get(reverse(LIST)).content.decode()
    requeue(client, given_up)
    page = reverse("admin:digitalstore_core_outboxmessage_reasoned", args=["requeue"])
    assert client.post(page, {"pk": given_up.pk, "reason": "because"}).status_code == 403
    given_up.refresh_from_db()
    assert given_up.state == OutboxState.FAILED

    allow(staff, "change_outboxmessage")
    requeue(client, given_up)
    given_up.refresh_from_db()
    assert given_up.state == OutboxState.PENDING


def test_nobody_adds_changes_or_deletes_rows_or_reads_letters(client_of, superuser, given_up):
    client = client_of(superuser)
    JobRun.objects.create(name="outbox")
    for model, pk in (("outboxmessage", given_up.pk), ("jobrun", "outbox")):
        base = f"admin:digitalstore_core_{model}"
        assert client.get(reverse(f"{base}_changelist")).status_code == 200
        assert client.get(reverse(f"{base}_add")).status_code == 403
        assert client.post(reverse(f"{base}_delete", args=[pk]), {"post": "yes"}).status_code == 403
        page = client.get(reverse(f"{base}_change", args=[pk]))
        assert "a private letter" not in page.content.decode()
        assert client.post(reverse(f"{base}_change", args=[pk]), {"key": "x"}).status_code == 403


def test_the_mutexes_are_no_page_of_the_admin(client_of, superuser):
    assert "mutex" not in client_of(superuser).get(reverse("admin:index")).content.decode().lower()
