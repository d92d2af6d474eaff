"""Opening a request, and the page of one: for its customer, for the seller, for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, override_settings
from django.urls import resolve

from django_digitalstore.catalog.storage import PrivateFileSystemStorage
from django_digitalstore.catalog.testing import files_in
from django_digitalstore.core import outbox
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.support import (
    flows,
    get_support_attachment_model,
    get_support_message_model,
    get_support_request_model,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.urls")]

ASK = "/support/ask/a-book/"
NOT_OWNED = "Support for “A book” is for those who own it: buy “A book” first."
LOST = "“A book” is not yours any more, and its support ended with it."
NOTE = "They asked three times already"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Any:
    with files_in(tmp_path / "private") as folder:
        yield folder


@pytest.fixture
def desk(client_of: Callable[[Any], Client], owner: Any) -> Client:
    """The customer's browser."""
    return client_of(owner)


@pytest.fixture
def counter(client_of: Callable[[Any], Client], seller: Any) -> Client:
    """The seller's browser."""
    return client_of(seller)


def question(**fields: Any) -> dict[str, Any]:
    return {"subject": "It breaks", "body": "On page two.", "key": "form-1", **fields}


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def at(request: Any, role: str = "") -> str:
    return f"{'/seller' if role == 'seller' else ''}/support/requests/{request.public_id}/"


def requests() -> Any:
    return get_support_request_model().objects


def said() -> list[str]:
    return list(get_support_message_model().objects.values_list("body", flat=True))


def fresh(request: Any) -> Any:
    return requests().get(pk=request.pk)


# --- asking -----------------------------------------------------------------------------------


def test_an_owner_reads_what_is_left_and_what_is_promised(desk: Client, supported: Any) -> None:
    page = text_of(desk.get(ASK))
    assert "You can open 2 more requests." in page
    assert "An answer is promised within 24 hours." in page


def test_an_owner_asks_with_a_file(desk: Client, owner: Any, supported: Any) -> None:
    file = SimpleUploadedFile("log.txt", b"it broke")
    answer: Any = desk.post(ASK, question(files=[file]))
    request = requests().get()
    assert (answer.status_code, answer.url) == (303, at(request))
    assert (request.user, request.subject) == (owner, "It breaks")
    page = text_of(desk.get(answer.url))
    assert "On page two." in page
    assert "log.txt" in page


def test_two_files_come_with_one_message(desk: Client, supported: Any) -> None:
    files = [SimpleUploadedFile(name, b"it broke") for name in ("a.txt", "b.txt")]
    desk.post(ASK, question(files=files))
    names = get_support_attachment_model().objects.values_list("name", flat=True)
    assert list(names) == ["a.txt", "b.txt"]


def test_a_double_click_opens_one_request(desk: Client, supported: Any) -> None:
    first: Any = desk.post(ASK, question())
    second: Any = desk.post(ASK, question())
    assert first.url == second.url
    assert requests().count() == 1


def test_the_form_brings_a_key_of_its_own(desk: Client, supported: Any) -> None:
    keys = {desk.get(ASK).context["form"]["key"].value() for _ in range(2)}
    assert len(keys) == 2


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_the_product_the_page_says_what_to_buy(
    client_of: Callable[[Any], Client], customer: Any, supported: Any, method: str
) -> None:
    answer = getattr(client_of(customer), method)(ASK, question())
    page = text_of(answer)
    assert answer.status_code == 403
    assert NOT_OWNED in page
    assert 'href="/products/a-book/"' in page
    assert 'name="body"' not in page
    assert not requests().exists()


def test_nobody_reads_of_a_draft(
    client_of: Callable[[Any], Client], customer: Any, draft_product: Any
) -> None:
    assert client_of(customer).get("/support/ask/a-draft/").status_code == 404
    assert client_of(customer).get("/support/ask/nothing/").status_code == 404
    assert client_of(customer).get("/support/ask/a%00b/").status_code == 404


def test_an_anonymous_visitor_logs_in_first(client: Client, supported: Any) -> None:
    answer: Any = client.get(ASK)
    assert (answer.status_code, answer.url) == (302, f"/accounts/login/?next={ASK}")
    assert client.post(ASK, question()).status_code == 302
    assert not requests().exists()


def test_who_has_used_up_their_allowance_is_offered_a_pack(desk: Client, supported: Any) -> None:
    for number in range(2):
        desk.post(ASK, question(key=f"form-{number}"))
    answer = desk.get(ASK)
    page = text_of(answer)
    assert answer.status_code == 409
    assert "You have used up the support for “A book”. 3 requests cost €9.00." in page
    assert "Buy 3 requests for €9.00" in page
    assert 'href="/support/buy/a-book/"' in page
    assert desk.post(ASK, question(key="form-3")).status_code == 409
    assert requests().count() == 2


def test_a_product_that_is_not_for_sale_offers_no_pack(desk: Client, supported: Any) -> None:
    for number in range(2):
        desk.post(ASK, question(key=f"form-{number}"))
    supported.status = "archived"
    supported.save()
    assert "/support/buy/" not in text_of(desk.get(ASK))


def test_too_many_at_once_is_refused_and_nothing_written_is_lost(
    desk: Client, supported: Any
) -> None:
    with override_settings(DIGITALSTORE_SUPPORT_REQUESTS_PER_HOUR=1):
        desk.post(ASK, question())
        answer = desk.post(ASK, question(key="form-2", body="Page nine, too."))
    assert answer.status_code == 429
    page = text_of(answer)
    assert "You opened 1 request within the last hour: please wait a while." in page
    assert "Page nine, too." in page


@pytest.mark.parametrize(
    ("fields", "field", "error"),
    [
        ({"subject": " "}, "subject", "This field is required."),
        ({"body": ""}, "body", "This field is required."),
        ({"body": "x" * 20_001}, "body", "Write at most 20000 characters, or attach a file."),
        # Above the form: nobody sees the field.
        ({"key": "x" * 65}, "__all__", "This form is broken: load the page again."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    desk: Client, supported: Any, fields: dict[str, str], field: str, error: str
) -> None:
    answer = desk.post(ASK, question(**fields))
    assert answer.status_code == 400
    assert answer.context["form"].errors == {field: [error]}
    assert not requests().exists()


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (("page.html", b"<script>"), "“page.html” is of a kind that is not taken."),
        (("app.exe", b"MZ"), "“app.exe” is of a kind that is not taken."),
        (("a.txt", b""), "“a.txt” is empty."),
        (("a.txt", b"x" * 11), "“a.txt” is too large: attach at most 10\xa0bytes."),
    ],
)
def test_files_that_are_not_taken_leave_nothing(
    desk: Client, supported: Any, folder: Path, file: tuple[str, bytes], error: str
) -> None:
    with override_settings(DIGITALSTORE_SUPPORT_ATTACHMENT_MAX_BYTES=10):
        answer = desk.post(ASK, question(files=[SimpleUploadedFile(*file)]))
    assert answer.status_code == 400
    (found,) = answer.context["form"].errors["files"]
    assert found.startswith(error)
    assert not requests().exists()
    assert not [path for path in (folder / "support").rglob("*") if path.is_file()]


def test_a_huge_form_is_refused_before_it_is_read(
    desk: Client, supported: Any, request_: Any
) -> None:
    for page in (ASK, at(request_)):
        large = SimpleUploadedFile("a.txt", b"x" * 2 * 1024**2)
        with override_settings(DIGITALSTORE_SUPPORT_ATTACHMENT_MAX_BYTES=10):
            answer: Any = desk.post(page, question(files=[large]))
        assert answer.status_code == 413
        assert (
            "That is too much at once. Nothing was sent: attach fewer or smaller files."
            in text_of(answer)
        )
        assert not answer.wsgi_request._read_started
    assert said() == ["How does it work?"]


def test_without_a_token_nothing_is_written(owner: Any, supported: Any, request_: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(ASK, question()).status_code == 403
    assert strict.post(at(request_), {"body": "x", "action": "reply"}).status_code == 403
    assert said() == ["How does it work?"]


@pytest.mark.django_db(transaction=True)
def test_files_are_stored_outside_the_transaction_of_a_request(
    desk: Client, supported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    found: list[bool] = []
    save = PrivateFileSystemStorage.save

    def watched(*args: Any, **kwargs: Any) -> str:
        found.append(connection.in_atomic_block)
        return save(*args, **kwargs)

    monkeypatch.setattr(PrivateFileSystemStorage, "save", watched)
    desk.post(ASK, question(files=[SimpleUploadedFile("a.txt", b"it broke")]))
    assert found == [False]


# --- the thread -------------------------------------------------------------------------------


def test_a_question_an_answer_and_a_reply(
    desk: Client, counter: Client, request_: Any, seller: Any
) -> None:
    fields = {"action": "reply", "body": "Turn the page."}
    answer: Any = counter.post(at(request_, "seller"), fields)
    assert (answer.status_code, answer.url) == (303, at(request_, "seller"))
    assert told(answer) == ["Your message is sent."]
    assert fresh(request_).state == "waiting_customer"
    assert "Turn the page." in text_of(desk.get(at(request_)))
    desk.post(at(request_), {"body": "I did."})
    assert fresh(request_).state == "waiting_seller"
    assert said() == ["How does it work?", "Turn the page.", "I did."]


def test_after_an_answer_each_side_reads_whom_it_waits_for(
    desk: Client, counter: Client, request_: Any, seller: Any
) -> None:
    flows.reply(request_, author=seller, body="Turn the page.")
    badge = '<span class="ds-badge" data-state="waiting_customer">{}</span>'
    assert badge.format("Waiting for you") in text_of(desk.get(at(request_)))
    assert badge.format("Waiting for the customer") in text_of(counter.get(at(request_, "seller")))


def test_a_double_click_writes_one_message(desk: Client, request_: Any) -> None:
    for _ in range(2):
        desk.post(at(request_), {"body": "Hello?", "key": "reply-1"})
    assert said() == ["How does it work?", "Hello?"]


def test_what_people_write_is_text_and_nothing_else(desk: Client, request_: Any) -> None:
    evil = "<script>alert(1)</script> <img/src=x/onerror=alert(2)> {{ request }}"
    desk.post(at(request_), {"body": evil})
    page = desk.get(at(request_)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &lt;img/src=x/onerror=alert(2)&gt;" in page
    assert "<script>alert(1)" not in page
    assert "<img/src" not in page


def test_customers_read_no_log_in_name_of_the_other_side(
    desk: Client, counter: Client, request_: Any, seller: Any
) -> None:
    people = type(seller).objects.filter(pk=seller.pk)
    people.update(**{seller.USERNAME_FIELD: "grace.h@example.com"})
    flows.reply(request_, author=seller, body="Turn the page.")
    page = text_of(desk.get(at(request_)))
    assert "grace.h" not in page
    assert "<h3>Support</h3>" in page
    assert "<h3>You</h3>" in page
    assert f"<h3>{request_.user}</h3>" in text_of(counter.get(at(request_, "seller")))


@pytest.mark.skipif(not hasattr(get_user_model(), "first_name"), reason="users have no names here")
def test_customers_read_the_name_that_a_seller_has(
    desk: Client, request_: Any, seller: Any
) -> None:
    type(seller).objects.filter(pk=seller.pk).update(first_name="Grace")
    flows.reply(request_, author=seller, body="Turn the page.")
    assert "<h3>Grace</h3>" in text_of(desk.get(at(request_)))


def test_a_customer_resolves_and_reopens(desk: Client, request_: Any) -> None:
    assert told(desk.post(at(request_), {"action": "resolve"})) == ["The request is resolved."]
    assert fresh(request_).state == "resolved"
    page = text_of(desk.get(at(request_)))
    assert "a reply opens it again." in page
    assert 'value="reopen"' in page
    desk.post(at(request_), {"action": "reopen"})
    assert fresh(request_).state == "waiting_seller"


def test_a_customer_has_no_button_of_the_sellers(desk: Client, request_: Any) -> None:
    page = text_of(desk.get(at(request_)))
    for action in ("note", "close", "take", "leave", "unknown"):
        assert f'value="{action}"' not in page
        answer = desk.post(at(request_), {"action": action, "body": "x"})
        assert answer.status_code == 404
    assert fresh(request_).state == "open"
    assert said() == ["How does it work?"]


def test_a_closed_request_says_so_and_takes_no_reply(
    desk: Client, counter: Client, request_: Any
) -> None:
    counter.post(at(request_, "seller"), {"action": "close"})
    closed = "This request is closed. Please open a new one if you need more help."
    page = text_of(desk.get(at(request_)))
    assert closed in page
    assert 'name="body"' not in page
    for fields in ({"body": "x"}, {"action": "reopen"}):
        answer = desk.post(at(request_), fields)
        assert answer.status_code == 409
        assert closed in text_of(answer)
    assert said() == ["How does it work?"]


def test_a_request_is_reopened_for_a_while_only(
    desk: Client, request_: Any, owner: Any, age: Callable[..., None]
) -> None:
    flows.resolve(request_, actor=owner)
    age(fresh(request_), days=15)
    answer = desk.post(at(request_), {"action": "reopen"})
    assert answer.status_code == 409
    assert "which is too long ago to reopen it. Please open a new one." in text_of(answer)


def test_a_seller_takes_a_request_and_gives_it_back(
    counter: Client, request_: Any, seller: Any
) -> None:
    counter.post(at(request_, "seller"), {"action": "take"})
    assert fresh(request_).assignee == seller
    counter.post(at(request_, "seller"), {"action": "leave"})
    assert fresh(request_).assignee is None


def test_the_two_forms_of_the_sellers_page_have_ids_of_their_own(
    counter: Client, request_: Any
) -> None:
    page = text_of(counter.get(at(request_, "seller")))
    assert page.count('id="id_body"') == page.count('id="id_note_body"') == 1


# --- who reads what ---------------------------------------------------------------------------


def test_a_note_is_in_no_page_and_no_mail_of_the_customer(
    desk: Client,
    counter: Client,
    request_: Any,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    file = SimpleUploadedFile("secret.txt", b"it broke")
    with django_capture_on_commit_callbacks(execute=True):
        fields = {"action": "note", "body": NOTE, "files": [file]}
        assert counter.post(at(request_, "seller"), fields).status_code == 303
        counter.post(at(request_, "seller"), {"action": "reply", "body": "Turn the page."})
    outbox.sweep()
    seen = text_of(counter.get(at(request_, "seller")))
    assert NOTE in seen
    assert "secret.txt" in seen
    for page in ("/support/", at(request_), "/support/?q=They", "/orders/", "/library/"):
        shown = text_of(desk.get(page))
        assert NOTE not in shown
        assert "secret.txt" not in shown
    mails = [message for message in mail.outbox if message.to == ["customer@example.com"]]
    assert len(mails) == 1
    assert all(NOTE not in str(message.message()) for message in mail.outbox)
    assert all("secret.txt" not in str(message.message()) for message in mail.outbox)


def test_a_note_by_one_who_is_both_sides_elsewhere_stays_hidden_on_the_customers_page(
    client_of: Callable[[Any], Client], request_: Any, seller: Any, owner: Any
) -> None:
    """Whatever else its customer may do in the admin: their own page shows no note."""
    flows.add_note(request_, author=seller, body=NOTE)
    codenames = ["view_supportrequest", "change_supportrequest"]
    owner.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    browser = client_of(type(owner).objects.get(pk=owner.pk))
    assert NOTE not in text_of(browser.get(at(request_)))
    assert browser.get(at(request_, "seller")).status_code == 404


def test_nobody_else_reads_or_writes(
    client_of: Callable[[Any], Client],
    request_: Any,
    other_customer: Any,
    other_seller: Any,
    seller: Any,
) -> None:
    grant(other_customer, request_.product)
    for user in (other_customer, other_seller, seller):
        for send in (client_of(user).get, client_of(user).post):
            assert send(at(request_), {"body": "x"}).status_code == 404
    for send in (client_of(other_seller).get, client_of(other_seller).post):
        assert send(at(request_, "seller"), {"body": "x"}).status_code == 404
        assert send("/seller/support/requests/a%00b/", {"body": "x"}).status_code == 404
    assert client_of(other_customer).get(at(request_, "seller")).status_code == 403
    assert said() == ["How does it work?"]


def test_a_product_that_is_sold_by_another_takes_its_requests_along(
    client_of: Callable[[Any], Client], request_: Any, seller: Any, other_seller: Any
) -> None:
    flows.assign(request_, seller, actor=seller)
    product = request_.product
    product.seller = other_seller
    product.save()
    page = at(request_, "seller")
    for send in (client_of(seller).get, client_of(seller).post):
        assert send(page, {"body": "x"}).status_code == 404
    assert request_.public_id not in text_of(client_of(seller).get("/seller/support/?show=all"))
    assert client_of(other_seller).post(page, {"body": "Turn the page."}).status_code == 303
    assert said() == ["How does it work?", "Turn the page."]


def test_staff_who_may_change_requests_answer_all_of_them(
    client_of: Callable[[Any], Client], request_: Any, staff: Any
) -> None:
    assert client_of(staff).get(at(request_, "seller")).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_supportrequest"))
    browser = client_of(type(staff).objects.get(pk=staff.pk))
    answer = browser.post(at(request_, "seller"), {"action": "reply", "body": "Turn the page."})
    assert answer.status_code == 303
    assert fresh(request_).state == "waiting_customer"


# --- access that was lost ---------------------------------------------------------------------


def test_who_lost_access_reads_on_and_writes_no_more(
    desk: Client, request_: Any, owner: Any, supported: Any
) -> None:
    revoke(owner, supported)
    page = text_of(desk.get(at(request_)))
    assert "How does it work?" in page
    assert LOST in page
    assert 'name="body"' not in page
    answer = desk.post(at(request_), {"body": "Hello?"})
    assert answer.status_code == 403
    assert LOST in text_of(answer)
    asked = desk.post(ASK, question())
    assert asked.status_code == 403
    assert LOST in text_of(asked)
    assert said() == ["How does it work?"]


def test_the_seller_reads_why_access_was_lost(
    counter: Client, request_: Any, owner: Any, supported: Any
) -> None:
    revoke(owner, supported)
    page = text_of(counter.get(at(request_, "seller")))
    assert "The customer does not have “A book” any more: Access was withdrawn" in page
    answer = counter.post(at(request_, "seller"), {"action": "reply", "body": "Hi."})
    assert answer.status_code == 403
    counter.post(at(request_, "seller"), {"action": "note", "body": NOTE})
    counter.post(at(request_, "seller"), {"action": "resolve"})
    assert said() == ["How does it work?", NOTE]
    assert fresh(request_).state == "resolved"


def test_opening_from_the_library(desk: Client, supported: Any) -> None:
    assert f'href="{ASK}"' in text_of(desk.get("/library/"))


def test_the_products_page_says_what_is_promised(client: Client, supported: Any) -> None:
    page = " ".join(text_of(client.get("/products/a-book/")).split())
    assert (
        "2 requests are included. 3 more requests cost €9.00. An answer is promised within 24 "
        "hours." in page
    )


def test_the_products_page_of_one_without_support_says_nothing(
    client: Client, product: Any
) -> None:
    assert "<h2>Support</h2>" not in text_of(client.get("/products/a-book/"))


def test_a_host_may_have_a_template_of_its_own() -> None:
    open_view = resolve(ASK).func.view_class  # type: ignore[attr-defined]
    view = open_view()
    assert view.get_template_names() == [
        "shop/supportrequest_open.html",
        "digitalstore/support/request_open.html",
    ]
    view.template_name = "mine.html"
    assert view.get_template_names() == ["mine.html"]


def test_a_form_without_files_where_none_are_taken(desk: Client, supported: Any) -> None:
    with override_settings(DIGITALSTORE_SUPPORT_ATTACHMENTS=0):
        assert 'type="file"' not in text_of(desk.get(ASK))
        assert desk.post(ASK, question()).status_code == 303
