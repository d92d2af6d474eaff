"""E-mails: one to the other side for each message, one thread for each request, no note in any."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings

from django_digitalstore.core import outbox
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.support import flows, get_support_request_model
from django_digitalstore.support.events import SupportEvent, SupportEventKind
from django_digitalstore.support.testing import offer_support, open_request

pytestmark = pytest.mark.django_db

HEARD: list[SupportEvent] = []


def listen(event: SupportEvent) -> None:
    """Be a chat tool."""
    HEARD.append(event)


def break_down(event: SupportEvent) -> None:
    """Be a chat tool that is away."""
    raise TimeoutError("no answer")


@pytest.fixture(autouse=True)
def _nobody_heard_anything() -> None:
    HEARD.clear()


def sent() -> list[Any]:
    outbox.sweep()
    return mail.outbox


def test_the_seller_is_told_of_a_question(owner: Any, supported: Any, seller: Any) -> None:
    request = open_request(owner, supported, body="<b>Why</b> & how?")
    (message,) = sent()
    assert message.to == [seller.email]
    assert message.subject == f"A question [support request {request.public_id}]"
    assert f"{owner} wrote about “A book”:\n\n<b>Why</b> & how?\n" in message.body
    assert "You promised an answer by" in message.body
    assert f"http://testserver{request.get_seller_url()}" in message.body
    assert not getattr(message, "alternatives", None)


def test_without_a_page_of_the_sellers_the_mail_leads_to_the_admin(
    owner: Any, supported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(get_support_request_model(), "get_seller_url")
    request = open_request(owner, supported)
    (message,) = sent()
    assert f"/admin/shop/supportrequest/{request.pk}/change/" in message.body


def test_the_customer_is_told_of_an_answer(owner: Any, supported: Any, seller: Any) -> None:
    request = open_request(owner, supported)
    flows.reply(request, author=seller, body="Turn the page.")
    _question, answer = sent()
    assert answer.to == [owner.email]
    assert "There is an answer to your question about “A book”:\n\nTurn the page.\n" in answer.body


def test_nobody_is_told_of_what_they_wrote_themselves(
    owner: Any, supported: Any, seller: Any
) -> None:
    request = open_request(owner, supported)
    flows.reply(request, author=owner, body="By the way")
    assert {address for message in sent() for address in message.to} == {seller.email}


def test_who_is_assigned_is_told_instead_of_the_seller(
    owner: Any, supported: Any, seller: Any, superuser: Any
) -> None:
    request = open_request(owner, supported)
    flows.assign(request, superuser, actor=seller)
    flows.reply(request, author=owner, body="And?")
    assert sent()[-1].to == [superuser.email]


def test_who_may_answer_no_more_is_told_no_more(
    owner: Any, supported: Any, seller: Any, other_seller: Any, superuser: Any
) -> None:
    request = open_request(owner, supported)
    flows.assign(request, superuser, actor=seller)
    superuser.is_superuser = False
    superuser.save()
    flows.reply(request, author=owner, body="To the seller again")
    assert sent()[-1].to == [seller.email]
    supported.seller = other_seller
    supported.save()
    flows.assign(request, None)
    flows.reply(request, author=owner, body="To whoever sells it now")
    assert sent()[-1].to == [other_seller.email]
    other_seller.is_active = False
    other_seller.save()
    with override_settings(DIGITALSTORE_SELLER_EMAILS=["shop@example.com"]):
        flows.reply(request, author=owner, body="To nobody who left")
        assert sent()[-1].to == ["shop@example.com"]


def test_the_sites_own_products_are_answered_by_the_site(owner: Any, make_product: Any) -> None:
    from django_digitalstore.entitlements.testing import grant

    ours = make_product("Ours")
    offer_support(ours)
    grant(owner, ours)
    with override_settings(DIGITALSTORE_SELLER_EMAILS=["shop@example.com"]):
        open_request(owner, ours)
        assert sent()[-1].to == ["shop@example.com"]


def test_where_nobody_reads_mail_the_log_says_what_to_write(
    owner: Any, make_product: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from django_digitalstore.entitlements.testing import grant

    ours = make_product("Ours")
    offer_support(ours)
    grant(owner, ours)
    request = open_request(owner, ours)
    with caplog.at_level(logging.WARNING):
        assert sent() == []
    assert (
        f"Nobody is told of support request {request.public_id}: write addresses into "
        "DIGITALSTORE_SELLER_EMAILS or MANAGERS." in caplog.text
    )


def test_a_note_is_in_no_mail(owner: Any, supported: Any, seller: Any) -> None:
    request = open_request(owner, supported)
    flows.add_note(request, author=seller, body="an awkward one")
    flows.close(request, actor=seller, reason="an awkward one")
    assert len(sent()) == 1
    assert not OutboxMessage.objects.filter(payload__icontains="awkward").exists()


def test_even_a_row_of_the_outbox_for_a_note_sends_none(
    owner: Any, supported: Any, seller: Any
) -> None:
    request = open_request(owner, supported)
    note = flows.add_note(request, author=seller, body="an awkward one")
    outbox.enqueue("support.message", "by mistake", {"message": str(note.pk)})
    assert len(sent()) == 1


def test_all_mails_of_a_request_are_one_thread(owner: Any, supported: Any, seller: Any) -> None:
    request = open_request(owner, supported)
    flows.add_note(request, author=seller, body="psst")
    flows.reply(request, author=seller, body="Turn the page.")
    flows.reply(request, author=owner, body="Thanks.")
    other = open_request(owner, supported)
    first, second, third, elsewhere = [m.extra_headers for m in sent()]
    root = first["References"]
    assert first["In-Reply-To"] == root
    assert second["References"] == f"{root} {first['Message-ID']}"
    assert third["References"] == f"{root} {first['Message-ID']} {second['Message-ID']}"
    assert third["In-Reply-To"] == second["Message-ID"]
    assert elsewhere["References"] != root
    assert other.public_id not in first["References"]


def test_a_subject_cannot_add_a_header(owner: Any, supported: Any) -> None:
    open_request(owner, supported, subject="Hello\r\nBcc: all@example.com")
    (message,) = sent()
    assert message.subject.startswith("Hello Bcc: all@example.com [support request")
    assert message.bcc == []


# --- chat tools -------------------------------------------------------------------------------


@override_settings(DIGITALSTORE_SUPPORT_NOTIFIERS=["tests.support.test_emails.listen"])
def test_a_notifier_hears_of_everything_but_notes(owner: Any, supported: Any, seller: Any) -> None:
    request = open_request(owner, supported)
    flows.add_note(request, author=seller, body="psst")
    flows.assign(request, seller, actor=seller, reason="mine")
    flows.reply(request, author=seller, body="Turn the page.")
    flows.reply(request, author=owner, body="Thanks.")
    flows.resolve(request, actor=owner)
    flows.reopen(request, actor=owner)
    flows.close(request)
    outbox.sweep()
    kind = SupportEventKind
    assert [(e.kind, e.actor, e.message and e.message.body) for e in HEARD] == [
        (kind.OPENED, owner, "How does it work?"),
        (kind.ASSIGNED, seller, None),
        (kind.ANSWERED, seller, "Turn the page."),
        (kind.REPLIED, owner, "Thanks."),
        (kind.RESOLVED, owner, None),
        (kind.REOPENED, owner, None),
        (kind.CLOSED, None, None),
    ]
    assert {event.request for event in HEARD} == {request}


@override_settings(
    DIGITALSTORE_SUPPORT_NOTIFIERS=[
        "tests.support.test_emails.break_down",
        "tests.support.test_emails.listen",
    ]
)
def test_a_notifier_that_is_away_keeps_nobody_from_hearing(owner: Any, supported: Any) -> None:
    open_request(owner, supported)
    assert len(sent()) == 1
    assert len(HEARD) == 1
    (failed,) = OutboxMessage.objects.exclude(last_error="")
    assert failed.last_error == "TimeoutError: no answer"
