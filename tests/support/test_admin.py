"""Staff: everything to read, and what they do goes by the flows, with a reason and a log entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog.testing import files_in
from django_digitalstore.entitlements.testing import revoke
from django_digitalstore.support import (
    flows,
    get_support_allowance_model,
    get_support_attachment_model,
    get_support_message_model,
    get_support_request_model,
    get_support_terms_model,
)
from django_digitalstore.support.policies import support_allowance, terms_in_force
from django_digitalstore.support.testing import give_allowance, open_request

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.urls")]

TERMS, ALLOWANCES = get_support_terms_model(), get_support_allowance_model()
REQUESTS, MESSAGES = get_support_request_model(), get_support_message_model()
ATTACHMENTS = get_support_attachment_model()


def page(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def logged() -> list[tuple[str, str]]:
    entries: Any = LogEntry.objects.order_by("pk")
    return [(entry.content_type.model, entry.change_message) for entry in entries]


def fresh(row: Any) -> Any:
    return type(row)._base_manager.get(pk=row.pk)


@pytest.fixture
def desk(client_of: Callable[[Any], Client], superuser: Any) -> Client:
    """A superuser's browser."""
    return client_of(superuser)


def act(client: Client, request: Any, action: str, **fields: Any) -> Any:
    given = {"pk": request.pk, "reason": "because", **fields}
    return client.post(page(type(request), "reasoned", action), given)


# --- reading ----------------------------------------------------------------------------------


def test_everything_can_be_read_and_nothing_edited(
    desk: Client, owner: Any, supported: Any, seller: Any, tmp_path: Any
) -> None:
    give_allowance(owner, supported)
    with files_in(tmp_path):
        request = open_request(owner, supported, files=[SimpleUploadedFile("log.txt", b"x")])
        flows.add_note(request, author=seller, body="<b>An internal matter</b>")
        for model in (TERMS, ALLOWANCES, REQUESTS, MESSAGES, ATTACHMENTS):
            row = model._base_manager.first()
            assert row is not None
            assert desk.get(page(model, "changelist"), {"q": "x"}).status_code == 200
            shown = desk.get(page(model, "change", row.pk))
            assert shown.status_code == 200
            assert b'name="_save"' not in shown.content
            assert desk.get(page(model, "add")).status_code == 403
            assert desk.post(page(model, "change", row.pk), {}).status_code == 403
            assert desk.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_request_shows_its_thread_and_the_way_to_the_queue(
    desk: Client, request_: Any, seller: Any
) -> None:
    flows.add_note(request_, author=seller, body="<b>An internal matter</b>")
    shown = desk.get(page(REQUESTS, "change", request_.pk)).content.decode()
    assert "How does it work?" in shown
    assert "&lt;b&gt;An internal matter&lt;/b&gt;" in shown
    assert f'href="/seller/support/requests/{request_.public_id}/"' in shown


@pytest.mark.parametrize("words", ["customer", "book", "question"])
def test_requests_are_found_by_their_words(desk: Client, request_: Any, words: str) -> None:
    found = desk.get(page(REQUESTS, "changelist"), {"q": words}).content.decode()
    assert request_.public_id in found


# --- allowances -------------------------------------------------------------------------------


def test_staff_grant_extra_support_with_a_reason(
    desk: Client, owner: Any, supported: Any, superuser: Any
) -> None:
    until = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
    answer = desk.post(
        page(ALLOWANCES, "reasoned", "grant"),
        {
            "user": owner.pk,
            "product": supported.pk,
            "requests": "5",
            "expires_at_0": f"{until:%Y-%m-%d}",
            "expires_at_1": f"{until:%H:%M:%S}",
            "reason": "We were slow",
        },
    )
    assert told(answer) == [f"{owner} – A book: The allowance is granted."]
    allowance = ALLOWANCES.objects.get()
    assert (allowance.requests, allowance.expires_at) == (5, until)
    assert (allowance.actor, allowance.reason) == (superuser, "We were slow")
    assert logged() == [(ALLOWANCES._meta.model_name, "Grant support: We were slow")]
    assert support_allowance(owner, supported).bought_left == 5


@pytest.mark.parametrize("reason", ["", "   "])
def test_nothing_is_granted_without_a_reason(
    desk: Client, owner: Any, supported: Any, reason: str
) -> None:
    given = {"user": owner.pk, "product": supported.pk, "requests": "5", "reason": reason}
    answer = desk.post(page(ALLOWANCES, "reasoned", "grant"), given)
    assert answer.context["form"].errors == {"reason": ["This field is required."]}
    assert not ALLOWANCES.objects.exists()


def test_who_does_not_own_the_product_is_granted_nothing(
    desk: Client, customer: Any, supported: Any
) -> None:
    given = {"user": customer.pk, "product": supported.pk, "requests": "5", "reason": "because"}
    answer = desk.post(page(ALLOWANCES, "reasoned", "grant"), given)
    assert told(answer) == [
        (
            f"{customer} – A book: {customer} does not own “A book”, and support is for owners: "
            f"grant it first."
        )
    ]
    assert not ALLOWANCES.objects.exists()
    assert logged() == []


@pytest.mark.parametrize(("model", "action"), [(ALLOWANCES, "grant"), (TERMS, "save")])
def test_who_may_set_terms_may_grant_support_and_nobody_else(
    client_of: Callable[[Any], Client],
    staff: Any,
    owner: Any,
    supported: Any,
    model: Any,
    action: str,
) -> None:
    def permit(*codenames: str) -> Client:
        staff.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        return client_of(type(staff).objects.get(pk=staff.pk))

    allowance, name = "supportallowance", page(model, "reasoned", action)
    some = permit(f"add_{allowance}", f"change_{allowance}", f"view_{allowance}")
    given = {"user": owner.pk, "product": supported.pk, "requests": "5", "reason": "because"}
    assert some.get(name).status_code == some.post(name, given).status_code == 403
    assert not ALLOWANCES.objects.exists()
    assert permit("add_supportterms", "view_supportterms").get(name).status_code == 200


def test_an_allowance_is_ended_with_a_reason(desk: Client, owner: Any, supported: Any) -> None:
    allowance = give_allowance(owner, supported)
    shown = desk.get(page(ALLOWANCES, "change", allowance.pk)).content.decode()
    assert page(ALLOWANCES, "reasoned", "end") in shown
    assert told(act(desk, allowance, "end")) == [
        "manual:" + allowance.source_reference + ": The allowance is ended: what was used stays "
        "used."
    ]
    assert fresh(allowance).ended_reason == "because"
    act(desk, allowance, "end", reason="again")
    assert fresh(allowance).ended_reason == "because"
    assert logged() == [(ALLOWANCES._meta.model_name, "End an allowance: because")]


def test_the_list_says_how_much_was_used(desk: Client, owner: Any, product: Any) -> None:
    give_allowance(owner, product, 3)
    open_request(owner, product)
    shown = desk.get(page(ALLOWANCES, "changelist")).content.decode()
    assert '<td class="field-used">1</td>' in shown


# --- terms ------------------------------------------------------------------------------------


def terms(product: Any, **fields: str) -> dict[str, Any]:
    given = {"product": product.pk, "included": "requests", "included_requests": "2"}
    return {**given, "most_open": "3", "reason": "a new year", **fields}


def test_staff_set_the_terms_of_any_product(desk: Client, product: Any, superuser: Any) -> None:
    given = terms(product, pack_price="9.00", pack_size="3")
    answer = desk.post(page(TERMS, "reasoned", "save"), given)
    assert told(answer) == ["A book: The terms are saved. Who has bought keeps their own."]
    saved: Any = terms_in_force(product)
    assert (saved.included_requests, saved.pack_price, saved.actor) == (2, 900, superuser)
    assert logged() == [(TERMS._meta.model_name, "Set the support of a product: a new year")]
    again = desk.post(page(TERMS, "reasoned", "save"), given)
    assert "A book: Nothing changed." in told(again)
    assert TERMS.objects.count() == 1


def test_terms_that_are_not_whole_are_refused(desk: Client, product: Any) -> None:
    given = terms(product, pack_price="9.001", pack_size="3")
    answer = desk.post(page(TERMS, "reasoned", "save"), given)
    assert answer.context["form"].errors == {"pack_price": ["EUR has only 2 decimal places."]}
    answer = desk.post(page(TERMS, "reasoned", "save"), terms(product, included_requests=""))
    assert told(answer) == ["A book: Say how many requests are included: at least one."]
    assert not TERMS.objects.exists()


# --- requests ---------------------------------------------------------------------------------


def test_staff_go_on_with_a_request(desk: Client, request_: Any, superuser: Any) -> None:
    name = str(request_)
    steps = [
        ("answer", {"body": "Turn the page."}, "The answer is sent.", "waiting_customer"),
        ("note", {}, "The note is kept.", "waiting_customer"),
        ("assign", {"assignee": superuser.pk}, "It is assigned.", "waiting_customer"),
        ("resolve", {}, "It is resolved.", "resolved"),
        ("reopen", {}, "It is open again.", "waiting_seller"),
        ("close", {}, "It is closed.", "closed"),
    ]
    for action, fields, text, state in steps:
        assert told(act(desk, request_, action, **fields))[-1] == f"{name}: {text}"
        assert fresh(request_).state == state
    assert fresh(request_).assignee == superuser
    titles = ["Answer", "Add an internal note", "Assign", "Resolve", "Reopen", "Close for good"]
    assert [text for _model, text in logged()] == [f"{title}: because" for title in titles]
    public = MESSAGES.objects.public().values_list("body", flat=True)
    assert list(public) == ["How does it work?", "Turn the page."]


def test_a_reason_is_never_the_customers_to_read(desk: Client, request_: Any) -> None:
    act(desk, request_, "resolve", reason="They shout")
    (note,) = MESSAGES.objects.filter(body="They shout")
    assert note.internal


@pytest.mark.parametrize("action", ["answer", "note", "assign", "resolve", "reopen", "close"])
def test_every_action_needs_the_permission_to_change_requests(
    client_of: Callable[[Any], Client], staff: Any, request_: Any, action: str
) -> None:
    staff.user_permissions.add(Permission.objects.get(codename="view_supportrequest"))
    answer = act(client_of(staff), request_, action, body="x")
    assert answer.status_code == 403
    assert fresh(request_).state == "open"
    assert MESSAGES.objects.count() == 1


def test_nobody_is_helped_who_lost_the_product(
    desk: Client, request_: Any, owner: Any, supported: Any
) -> None:
    revoke(owner, supported)
    answer = act(desk, request_, "answer", body="Turn the page.")
    assert told(answer) == [
        (
            f"{request_}: The customer does not have “A book” any more (Access was withdrawn), and "
            "its support ended with it. You can write an internal note, and resolve or close the "
            "request."
        )
    ]
    assert MESSAGES.objects.count() == 1
    assert logged() == []


def test_who_cannot_answer_is_assigned_nothing(
    desk: Client, request_: Any, other_customer: Any
) -> None:
    answer = act(desk, request_, "assign", assignee=other_customer.pk)
    assert told(answer) == [
        (
            f"{request_}: {other_customer} cannot answer this request: choose the product's "
            f"seller, or staff who may change support requests."
        )
    ]
    assert fresh(request_).assignee is None
