"""The outbox: a message exists if its change does, is sent once, and is never lost."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.util import find_spec
from io import StringIO

import django
import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as MemoryBackend
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.core import outbox
from django_digitalstore.core.exceptions import CalledInTransaction
from django_digitalstore.core.jobs import registered_jobs
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.core.outbox import (
    BATCH,
    Delivery,
    Sweep,
    deliver,
    enqueue,
    enqueue_many,
    sweep,
)

# What Django 6.1 says of a site that has not moved to MAILERS yet is not about the outbox.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
    pytest.mark.filterwarnings("ignore:The EMAIL_BACKEND setting is deprecated"),
]

MINUTE = timedelta(minutes=1)


class Desk:
    """Delivers messages of kind "letter", and can be told to fail."""

    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.error: BaseException | None = None

    def deliver(self, payload, message) -> None:
        if self.error is not None:
            raise self.error
        assert not connection.in_atomic_block or connection.atomic_blocks[-1]._from_testcase
        self.delivered.append(message.key)


@pytest.fixture
def desk(monkeypatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(outbox, "_handlers", dict(outbox._handlers))
    outbox.handler("letter")(desk.deliver)
    return desk


def letter(key: str = "a", **values) -> OutboxMessage:
    return OutboxMessage.objects.create(kind="letter", key=key, **values)


# --- enqueue --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_message_is_tried_after_commit_and_not_before(desk) -> None:
    with transaction.atomic():
        enqueue("letter", "a", {})
        assert desk.delivered == []
    assert desk.delivered == ["a"]
    message = OutboxMessage.objects.get()
    assert (message.state, message.attempts, message.claimed_until) == ("sent", 1, None)
    assert message.sent_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_the_message_with_it(desk) -> None:
    with transaction.atomic():
        enqueue("letter", "a", {})
        transaction.set_rollback(True)
    assert desk.delivered == []
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_cause_is_one_message_however_often_it_is_enqueued(desk) -> None:
    for _ in range(2):
        with transaction.atomic():
            enqueue("letter", "a", {"n": 1})
            enqueue("letter", "a", {"n": 2})
    assert desk.delivered == ["a"]
    assert OutboxMessage.objects.get().payload == {"n": 1}


@pytest.mark.django_db(transaction=True)
def test_in_autocommit_a_message_is_tried_at_once(desk) -> None:
    enqueue("letter", "a", {})
    assert desk.delivered == ["a"]


@pytest.mark.django_db
def test_a_message_is_one_statement(desk) -> None:
    with CaptureQueriesContext(connection) as queries:
        enqueue("letter", "a", {})
    writes = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(writes) == 1
    assert writes[0].startswith("INSERT")


@pytest.mark.django_db(transaction=True)
def test_a_failure_after_commit_is_recorded_and_reaches_no_request(desk) -> None:
    desk.error = ConnectionError("no postman")
    with transaction.atomic():
        enqueue("letter", "a", {})
    message = OutboxMessage.objects.get()
    assert (message.state, message.attempts) == ("pending", 1)
    assert message.last_error == "ConnectionError: no postman"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_after_commit_reaches_no_request(desk, caplog) -> None:
    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            raise django.db.OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), transaction.atomic():
        enqueue("letter", "a", {})
    assert "The outbox message a could not be tried; the sweep will do it" in caplog.text
    assert sweep() == Sweep(sent=1)
    assert desk.delivered == ["a"]


@pytest.mark.django_db
def test_an_unknown_kind_is_refused_before_anything_is_written() -> None:
    with pytest.raises(outbox.UnknownOutboxKind) as caught:
        enqueue("emial", "a", {})
    assert str(caught.value) == (
        "Nothing delivers outbox messages of kind 'emial'. Did you mean 'email'?"
    )
    with pytest.raises(outbox.UnknownOutboxKind) as caught:
        enqueue("pigeon", "a", {})
    assert str(caught.value) == (
        "Nothing delivers outbox messages of kind 'pigeon'. "
        "Register one with @outbox.handler('pigeon') in a module imported at start."
    )
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_a_key_that_no_database_holds_is_refused(desk) -> None:
    with pytest.raises(ValueError) as caught:
        enqueue("letter", "k" * 256, {})
    assert str(caught.value) == (
        f"The outbox key '{'k' * 40}'… has 256 characters. "
        "Write at most 255, or a hash of the cause."
    )


def test_a_kind_has_one_handler(desk) -> None:
    def other(payload, message) -> None: ...

    outbox.handler("letter")(desk.deliver)
    with pytest.raises(ValueError) as caught:
        outbox.handler("letter")(other)
    assert str(caught.value) == (
        "Outbox messages of kind 'letter' are already delivered by "
        f"{__name__}.Desk.deliver. Choose another kind."
    )


# --- enqueue_many ---------------------------------------------------------------------------------


def letters(number: int) -> list[tuple[str, dict[str, int]]]:
    return [(f"letter:{n}", {"n": n}) for n in range(number)]


@pytest.mark.django_db(transaction=True)
def test_many_messages_are_written_and_left_to_the_sweep(desk) -> None:
    enqueue_many("letter", iter(letters(3)))
    assert desk.delivered == []
    assert sweep() == Sweep(sent=3)
    assert desk.delivered == ["letter:0", "letter:1", "letter:2"]
    assert OutboxMessage.objects.get(key="letter:2").payload == {"n": 2}


@pytest.mark.django_db
def test_a_batch_of_messages_is_one_statement(desk) -> None:
    with CaptureQueriesContext(connection) as queries:
        enqueue_many("letter", letters(3 * BATCH))
    assert [query["sql"].split()[0] for query in queries] == ["INSERT"] * 3
    assert OutboxMessage.objects.count() == 3 * BATCH


@pytest.mark.django_db
def test_of_many_messages_those_that_are_there_stay(desk) -> None:
    letter("letter:1", payload={"n": "first"})
    enqueue_many("letter", letters(3))
    enqueue_many("letter", letters(4))
    assert OutboxMessage.objects.count() == 4
    assert OutboxMessage.objects.get(key="letter:1").payload == {"n": "first"}


@pytest.mark.django_db
def test_no_messages_are_no_query(desk, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        enqueue_many("letter", [])


@pytest.mark.django_db
def test_many_messages_are_refused_as_one_is(desk) -> None:
    with pytest.raises(outbox.UnknownOutboxKind):
        enqueue_many("pigeon", letters(1))
    with pytest.raises(ValueError) as caught:
        enqueue_many("letter", [*letters(3), ("k" * 256, {})])
    assert str(caught.value).startswith("The outbox key 'kkkk")
    assert not OutboxMessage.objects.exists()


# --- deliver --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_claimed(desk) -> None:
    message = letter()
    exhausted = letter("exhausted", attempts=14)
    for attempt in (lambda: deliver(message.pk), sweep):
        with transaction.atomic():
            with pytest.raises(CalledInTransaction):
                attempt()
            exhausted.refresh_from_db()
            assert exhausted.state == "pending"
    message.refresh_from_db()
    assert (message.attempts, message.claimed_until) == (0, None)
    assert desk.delivered == []


@pytest.mark.django_db
def test_what_is_sent_given_up_not_due_or_missing_is_skipped(desk) -> None:
    assert deliver(letter("sent", state="sent").pk) is Delivery.SKIPPED
    assert deliver(letter("failed", state="failed").pk) is Delivery.SKIPPED
    assert deliver(letter("later", next_try_at=timezone.now() + MINUTE).pk) is Delivery.SKIPPED
    assert deliver(letter("exhausted", attempts=14).pk) is Delivery.SKIPPED
    assert deliver(0) is Delivery.SKIPPED
    assert desk.delivered == []


@pytest.mark.django_db
def test_a_claim_keeps_others_away_until_it_ends(desk) -> None:
    now = timezone.now()
    message = letter(claimed_until=now + MINUTE, next_try_at=now)
    assert deliver(message.pk, now=now) is Delivery.SKIPPED
    assert deliver(message.pk, now=now + MINUTE) is Delivery.SENT


@pytest.mark.django_db
def test_a_process_killed_while_sending_leaves_a_message_that_is_sent_later(desk) -> None:
    message = letter()
    desk.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        deliver(message.pk)
    desk.error = None
    assert sweep() == Sweep()
    assert sweep(now=timezone.now() + outbox.CLAIM) == Sweep(sent=1)
    assert desk.delivered == ["a"]


@pytest.mark.django_db
def test_whoever_lost_the_claim_writes_nothing(desk, monkeypatch) -> None:
    message = letter()
    taken = timezone.now() + timedelta(hours=9)

    def overtaken(payload, message) -> None:
        OutboxMessage.objects.update(claimed_until=taken)
        raise ConnectionError

    monkeypatch.setitem(outbox._handlers, "letter", overtaken)
    deliver(message.pk)
    message.refresh_from_db()
    assert (message.claimed_until, message.last_error) == (taken, "")


@pytest.mark.django_db
def test_the_pauses_grow_and_at_last_the_message_is_given_up(desk) -> None:
    message = letter()
    desk.error = ConnectionError("no postman")
    now, pauses = timezone.now(), []
    for _ in range(outbox.MOST_ATTEMPTS - 1):
        assert deliver(message.pk, now=now) is Delivery.RETRY
        message.refresh_from_db()
        assert deliver(message.pk, now=message.next_try_at - timedelta(seconds=1)) == "skipped"
        pauses.append(message.next_try_at - now)
        now = message.next_try_at
    hour = timedelta(hours=1)
    assert pauses == [
        MINUTE,
        5 * MINUTE,
        30 * MINUTE,
        2 * hour,
        6 * hour,
        12 * hour,
        *[24 * hour] * 7,
    ]
    assert deliver(message.pk, now=now) is Delivery.FAILED
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("failed", 14)
    assert message.last_error == "ConnectionError: no postman"
    assert message.claimed_until is None


@pytest.mark.django_db
def test_a_message_that_was_given_up_can_be_requeued(desk) -> None:
    message = letter(state="failed", attempts=14)
    other = letter("sent", state="sent")
    assert outbox.requeue([message.pk, other.pk]) == 1
    assert sweep() == Sweep(sent=1)
    assert desk.delivered == ["a"]


@pytest.mark.django_db
def test_a_message_that_is_not_due_any_more_goes_and_its_key_is_free(desk) -> None:
    desk.error = outbox.NotDue("The release was withdrawn.")
    assert deliver(letter().pk) is Delivery.SKIPPED
    assert not OutboxMessage.objects.exists()
    desk.error = None
    assert deliver(letter().pk) is Delivery.SENT
    assert desk.delivered == ["a"]


@pytest.mark.django_db
def test_a_message_whose_handler_is_gone_waits_for_it(desk) -> None:
    message = OutboxMessage.objects.create(kind="pigeon", key="a")
    assert deliver(message.pk) is Delivery.RETRY
    message.refresh_from_db()
    assert message.last_error.startswith("UnknownOutboxKind: Nothing delivers")


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_message_once(shared_database, at_once, desk) -> None:
    keys = [f"{number:02}" for number in range(12)]
    for key in keys:
        letter(key)
    answers = at_once(*[sweep] * 4)
    assert sum(answer.sent for answer in answers) == len(keys)
    assert sorted(desk.delivered) == keys


# --- sweep ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_sweep_takes_the_oldest_first_and_no_more_than_its_limit(desk) -> None:
    now = timezone.now()
    for key, minutes in (("new", 1), ("old", 3), ("older", 5)):
        letter(key, next_try_at=now - minutes * MINUTE)
    assert sweep(2) == Sweep(sent=2)
    assert desk.delivered == ["older", "old"]
    assert sweep() == Sweep(sent=1)


@pytest.mark.django_db
def test_what_goes_to_many_waits_for_everything_else(desk, monkeypatch) -> None:
    monkeypatch.setattr(outbox, "_bulk_kinds", set())
    outbox.handler("newsletter", bulk=True)(desk.deliver)
    enqueue_many("newsletter", [("news:1", {}), ("news:2", {})])
    letter("refund", next_try_at=timezone.now())
    letter("later", next_try_at=timezone.now() + MINUTE)
    assert sweep(2) == Sweep(sent=2)
    assert desk.delivered == ["refund", "news:1"]
    assert sweep(2) == Sweep(sent=1)
    assert desk.delivered == ["refund", "news:1", "news:2"]


@pytest.mark.django_db
def test_one_failure_does_not_stop_a_sweep(desk, monkeypatch) -> None:
    def fail(payload, message) -> None:
        raise ConnectionError

    monkeypatch.setitem(outbox._handlers, "broken", fail)
    OutboxMessage.objects.create(kind="broken", key="first")
    letter("second")
    assert sweep() == Sweep(sent=1, retry=1)


@pytest.mark.django_db
def test_a_message_that_kills_its_process_every_time_is_given_up(desk) -> None:
    message = letter(attempts=outbox.MOST_ATTEMPTS, claimed_until=timezone.now() - MINUTE)
    assert sweep() == Sweep(failed=1)
    message.refresh_from_db()
    assert message.state == "failed"
    assert message.last_error == "The process was killed during the last attempt."
    assert desk.delivered == []


@pytest.mark.django_db
def test_the_command_sweeps_and_counts(desk) -> None:
    letter("a")
    letter("b", state="failed")
    letter("c", next_try_at=timezone.now() + MINUTE)
    output = StringIO()
    call_command("digitalstore_outbox", "--limit", "5", stdout=output)
    assert output.getvalue() == (
        "1 sent, 0 to be tried again, 0 given up now; 1 pending, 1 given up in all.\n"
    )
    with pytest.raises(CommandError) as caught:
        call_command("digitalstore_outbox", "--limit", "0")
    assert str(caught.value) == "--limit must be at least 1."


@pytest.mark.django_db
def test_the_sweep_is_a_periodic_job_of_every_minute(desk) -> None:
    letter()
    (job,) = [job for job in registered_jobs() if job.name == "outbox"]
    assert job.every == MINUTE
    job.function()
    assert desk.delivered == ["a"]


# --- e-mail ---------------------------------------------------------------------------------------


def email(key: str = "receipt:1", **payload) -> OutboxMessage:
    return OutboxMessage.objects.create(
        kind="email",
        key=key,
        payload={"to": "buyer@example.com", "subject": "Thanks", "body": "Enjoy.", **payload},
    )


@pytest.mark.django_db
def test_an_email_carries_the_message_id_of_its_cause(settings) -> None:
    settings.DIGITALSTORE_SITE_URL = "https://shop.example.com:8443/x"
    assert deliver(email().pk) is Delivery.SENT
    (sent,) = mail.outbox
    assert sent.to == ["buyer@example.com"]
    assert (sent.subject, sent.body) == ("Thanks", "Enjoy.")
    message_id = sent.message()["Message-ID"]
    assert message_id == outbox.message_id("receipt:1")
    assert message_id == "<ff1bbaff1614ec5efd10214cdab8cf34@shop.example.com>"
    assert outbox.message_id("receipt:2") != message_id


def test_without_a_site_url_the_host_is_localhost(settings) -> None:
    settings.DIGITALSTORE_SITE_URL = None
    assert outbox.message_id("a").endswith("@localhost>")


@pytest.mark.django_db
def test_an_email_may_have_html_several_receivers_and_a_subject_with_line_breaks() -> None:
    message = email(
        to=["a@example.com", "b@example.com"],
        subject="Thanks\nfor all\n",
        html="<p>Enjoy.</p>",
        from_email="shop@example.com",
        reply_to=["help@example.com"],
    )
    assert deliver(message.pk) is Delivery.SENT
    (sent,) = mail.outbox
    assert sent.to == ["a@example.com", "b@example.com"]
    assert sent.subject == "Thanks for all"
    assert (sent.from_email, sent.reply_to) == ("shop@example.com", ["help@example.com"])
    assert [tuple(part) for part in sent.alternatives] == [("<p>Enjoy.</p>", "text/html")]


LINK = f"<https://shop.example.com/unsubscribe/{'t' * 150}/>"


@pytest.mark.django_db
@pytest.mark.parametrize("html", [None, "<p>Enjoy.</p>"])
def test_a_header_for_programs_reaches_them_whole_however_long_it_is(html) -> None:
    headers = {"List-Unsubscribe": LINK, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    assert deliver(email(headers=headers, html=html).pk) is Delivery.SENT
    (sent,) = mail.outbox
    text = sent.message().as_bytes().decode()
    # Django 5.2 begins a new line before a long word, as every program may.
    assert re.findall(r"^List-Unsubscribe:\s+(\S+)$", text, re.MULTILINE) == [LINK]
    assert "\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n" in text


@pytest.mark.django_db
def test_a_header_with_other_letters_is_encoded_as_ever() -> None:
    assert deliver(email(headers={"X-Shop": "Bücher"}).pk) is Delivery.SENT
    assert "X-Shop: =?utf-8?" in mail.outbox[0].message().as_bytes().decode()


@pytest.mark.django_db
def test_no_header_of_a_mail_replaces_the_message_id_of_its_cause() -> None:
    assert deliver(email(headers={"Message-ID": "<mine@example.com>"}).pk) is Delivery.SENT
    assert mail.outbox[0].message()["Message-ID"] == outbox.message_id("receipt:1")


@pytest.mark.django_db
def test_a_header_holds_no_second_one() -> None:
    message = email(headers={"List-Unsubscribe": "<https://a.example>\nBcc: all@example.com"})
    assert deliver(message.pk) is Delivery.RETRY
    assert mail.outbox == []


@pytest.mark.django_db
@pytest.mark.parametrize("nobody", ["", [], [""]])
def test_an_email_to_nobody_is_a_failure(nobody) -> None:
    message = email(to=nobody)
    assert deliver(message.pk) is Delivery.RETRY
    message.refresh_from_db()
    assert message.last_error == (
        "ValueError: The e-mail has no recipient. Write its address in payload['to']."
    )


class SlowBackend(MemoryBackend):
    timeouts: list[object] = []
    timeout: int | None = None

    def send_messages(self, messages):
        type(self).timeouts.append(self.timeout)
        return super().send_messages(messages)


class HastyBackend(SlowBackend):
    timeout = 3


class RefusingBackend(MemoryBackend):
    def send_messages(self, messages):
        return 0


def use_mail_backend(settings, path: str) -> None:
    if hasattr(settings, "MAILERS"):
        settings.MAILERS = {"default": {"BACKEND": path}}
    else:
        settings.EMAIL_BACKEND = path


@pytest.mark.django_db
@pytest.mark.parametrize(("backend", "timeout"), [("SlowBackend", 10), ("HastyBackend", 3)])
def test_a_mail_server_gets_little_time(settings, backend: str, timeout: int) -> None:
    SlowBackend.timeouts.clear()
    use_mail_backend(settings, f"{__name__}.{backend}")
    assert deliver(email().pk) is Delivery.SENT
    assert SlowBackend.timeouts == [timeout]


@pytest.mark.django_db
def test_a_mail_that_the_backend_does_not_take_is_tried_again(settings) -> None:
    use_mail_backend(settings, f"{__name__}.RefusingBackend")
    assert deliver(email().pk) is Delivery.RETRY


# --- Django's tasks -------------------------------------------------------------------------------

TASKS = {
    "default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"},
    "now": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"},
}
needs_tasks = pytest.mark.skipif(django.VERSION < (6, 0), reason="Django 6.0 brought tasks")


@needs_tasks
@pytest.mark.django_db(transaction=True)
def test_a_queue_of_djangos_tasks_delivers_where_the_site_names_one(desk, settings) -> None:
    settings.TASKS = TASKS
    settings.DIGITALSTORE_TASKS = "default"
    enqueue("letter", "a", {})
    assert desk.delivered == []
    settings.DIGITALSTORE_TASKS = "now"
    assert outbox.check_tasks("tests.E001") == []
    enqueue("letter", "b", {})
    assert desk.delivered == ["b"]
    # The queue lost "a": the sweep has it.
    assert sweep() == Sweep(sent=1)


@needs_tasks
@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_not_there_is_found_by_check_and_loses_nothing(desk, settings) -> None:
    settings.TASKS = TASKS
    settings.DIGITALSTORE_TASKS = "later"
    (error,) = outbox.check_tasks("tests.E001")
    assert (error.id, error.msg) == (
        "tests.E001",
        (
            "DIGITALSTORE_TASKS refers to 'later', which is not in TASKS. "
            "Write one of its aliases ('default', 'now'), or None."
        ),
    )
    enqueue("letter", "a", {})
    assert sweep() == Sweep(sent=1)


def test_without_a_queue_the_check_is_silent(settings) -> None:
    settings.DIGITALSTORE_TASKS = None
    assert outbox.check_tasks("tests.E001") == []


@pytest.mark.skipif(
    django.VERSION >= (6, 0) or find_spec("django_tasks") is not None,
    reason="Here Django's tasks are there",
)
def test_a_queue_without_djangos_tasks_is_found_by_check(settings) -> None:
    settings.DIGITALSTORE_TASKS = "default"
    (error,) = outbox.check_tasks("tests.E001")
    assert error.msg == (
        "DIGITALSTORE_TASKS = 'default' needs Django's tasks, which came with Django 6.0. "
        "Install django-tasks, or write DIGITALSTORE_TASKS = None."
    )
