"""Owners are told of a release: each once, and only who owns it and wants to be told."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog import flows as catalog
from django_digitalstore.catalog import get_release_model
from django_digitalstore.catalog.exceptions import NotYourProduct
from django_digitalstore.catalog.testing import make_release
from django_digitalstore.core import outbox
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.core.site_url import site_url
from django_digitalstore.entitlements import flows, get_purchased_product_model, policies
from django_digitalstore.entitlements.emails import NOTICE, RELEASE
from django_digitalstore.entitlements.exceptions import ReleaseNotAvailable
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.unsubscribe_links import (
    UnsubscribeNotRouted,
    unsubscribe_url,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

DAY = timedelta(days=1)


@pytest.fixture
def release(product: Any) -> Any:
    return make_release(product, version="2.0", notes="- Now *with* pictures\n")


@pytest.fixture
def owners(product: Any, make_user: Callable[..., Any]) -> list[Any]:
    people = [make_user(name) for name in ("ada", "bob", "cy")]
    for person in people:
        flows.grant_product(person, product, source=Source("gift"))
    return people


def send_all() -> list[Any]:
    """Send what is due, and what that writes; return the mails."""
    while outbox.sweep().sent:
        pass
    return mail.outbox


def told() -> list[str]:
    return sorted(message.to[0] for message in send_all())


def addresses(people: list[Any]) -> list[str]:
    return sorted(person.email for person in people)


# --- once -----------------------------------------------------------------------------------------


def test_each_owner_is_told_once(owners, release, other_customer) -> None:
    assert flows.notify_owners(release) == 3
    assert told() == addresses(owners)
    release.refresh_from_db()
    assert release.notified_at is not None


def test_who_asks_again_tells_nobody_twice(owners, release) -> None:
    first = get_release_model()._default_manager.get(pk=release.pk)
    assert flows.notify_owners(release) == 3
    send_all()
    assert flows.notify_owners(first) is None  # a page that was open since before
    assert first.notified_at == release.notified_at
    assert flows.notify_owners(release) is None
    assert told() == addresses(owners)


def test_each_release_is_told_of(owners, release, product) -> None:
    flows.notify_owners(release)
    flows.notify_owners(make_release(product, version="3.0"))
    assert told() == sorted(2 * addresses(owners))


def test_a_release_that_nobody_owns_tells_nobody(release) -> None:
    assert flows.notify_owners(release) == 0
    assert told() == []


def test_the_click_is_one_row_and_the_mails_are_written_by_the_outbox(owners, release) -> None:
    flows.notify_owners(release)
    message = OutboxMessage.objects.get()
    assert (message.kind, message.key) == (
        RELEASE,
        f"release:{release.pk}@{release.notified_at.isoformat()}",
    )
    assert outbox.deliver(message.pk) == outbox.Delivery.SENT
    keys = OutboxMessage.objects.filter(kind=NOTICE).values_list("key", flat=True)
    assert sorted(keys) == sorted(f"release:{release.pk}:{owner.pk}" for owner in owners)
    assert mail.outbox == []


def test_the_mails_wait_for_everything_else(owners, release) -> None:
    flows.notify_owners(release)
    outbox.deliver(OutboxMessage.objects.get().pk)
    payload = {"to": "buyer@example.com", "subject": "Receipt", "body": "Thanks."}
    OutboxMessage.objects.create(kind="email", key="receipt", payload=payload)
    assert outbox.sweep(limit=1).sent == 1
    assert [message.subject for message in mail.outbox] == ["Receipt"]


def make_many_owners(product: Any, number: int) -> None:
    """Make them by SQL, which is the way past the guard: a flow for each would take a minute."""
    users = get_user_model()
    name = users.USERNAME_FIELD
    people = [
        users(**{name: f"reader-{n}@example.com", "email": f"reader-{n}@example.com"})
        for n in range(number)
    ]
    users._default_manager.bulk_create(people)
    people = list(users._default_manager.filter(email__startswith="reader-"))
    model = get_purchased_product_model()
    model._base_manager.bulk_create(
        [model(user=person, product=product, granted_at=timezone.now()) for person in people]
    )


def test_a_thousand_owners_are_two_statements_for_each_batch(product, release) -> None:
    make_many_owners(product, 1000)
    assert flows.notify_owners(release) == 1000
    message = OutboxMessage.objects.get()
    with CaptureQueriesContext(connection) as queries:
        outbox.deliver(message.pk)
    verbs = Counter(query["sql"].split()[0] for query in queries)
    batches = -(-1000 // outbox.BATCH)
    assert verbs["INSERT"] == batches
    # One page of owners for each, a last one that is empty; the message, its release.
    assert verbs["SELECT"] == batches + 1 + 2
    assert sum(verbs.values()) == 2 * batches + 3 + 2
    assert OutboxMessage.objects.filter(kind=NOTICE).count() == 1000


def test_a_mail_takes_as_many_statements_for_a_thousand_owners_as_for_one(product, release) -> None:
    def statements() -> int:
        message = OutboxMessage.objects.filter(kind=NOTICE, state="pending").first()
        with CaptureQueriesContext(connection) as queries:
            assert outbox.deliver(message.pk) == outbox.Delivery.SENT
        return len(queries)

    make_many_owners(product, 1)
    flows.notify_owners(release)
    outbox.sweep()
    one = statements()
    other = make_release(product, version="3.0")
    first = get_user_model()._default_manager.get(email="reader-0@example.com")
    setattr(first, first.USERNAME_FIELD, "first@example.com")
    first.email = "first@example.com"
    first.save()
    make_many_owners(product, 300)
    flows.notify_owners(other)
    outbox.deliver(OutboxMessage.objects.get(kind=RELEASE, state="pending").pk)
    assert statements() == one


# --- a kill ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here. Not an Exception: nothing may catch and record it."""


@contextmanager
def killed_at(number: int):
    """Kill before a statement; say whether it came to that."""
    seen = {"count": 0, "killed": False}

    def wrapper(execute, sql, params, many, context):
        seen["count"] += 1
        if seen["count"] == number:
            seen["killed"] = True
            raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper), suppress(Killed):
        yield seen


@pytest.mark.django_db(transaction=True)
def test_a_kill_at_any_statement_leaves_nobody_out_and_tells_nobody_twice(
    monkeypatch, product, owners, make_user
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    for name in ("di", "ed"):
        owners.append(make_user(name))
        flows.grant_product(owners[-1], product, source=Source("gift"))
    number, kills = 0, 0
    while True:
        number += 1
        mail.outbox.clear()
        release = make_release(product, version=f"2.{number}", files={})
        with killed_at(number) as seen:
            flows.notify_owners(release)
        kills += seen["killed"]
        # The seller clicks again: the first click may have come to nothing.
        flows.notify_owners(release)
        later = timezone.now() + outbox.CLAIM + timedelta(minutes=1)
        while outbox.sweep(now=later).sent:
            pass
        assert told() == addresses(owners), f"killed at statement {number}"
        if not seen["killed"]:
            break
    assert kills > 12  # the click, the claim, and both statements of each of three batches


@pytest.mark.django_db(transaction=True)
def test_a_kill_before_a_mail_goes_out_sends_it_later_and_once(owners, release) -> None:
    flows.notify_owners(release)
    message = OutboxMessage.objects.filter(kind=NOTICE).order_by("pk").first()
    with killed_at(3):
        outbox.deliver(message.pk)
    assert mail.outbox == []
    assert outbox.sweep().sent == 2
    later = timezone.now() + outbox.CLAIM + timedelta(minutes=1)
    assert outbox.sweep(now=later).sent == 1
    assert told() == addresses(owners)


# --- of what, and by whom -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"published_at": None},
        {"published_at": timezone.now() + 300 * DAY},
        {"published_at": timezone.now() - DAY, "yanked_at": timezone.now()},
    ],
    ids=["draft", "scheduled", "withdrawn"],
)
def test_a_release_that_owners_do_not_see_is_refused(owners, release, fields) -> None:
    get_release_model()._default_manager.filter(pk=release.pk).update(**fields)
    with pytest.raises(ReleaseNotAvailable) as caught:
        flows.notify_owners(release)
    assert str(caught.value) == (
        "“A book 2.0” is not there for its owners now: it is a draft, scheduled, or withdrawn. "
        "Publish it, then tell them."
    )
    release.refresh_from_db()
    assert release.notified_at is None
    assert not OutboxMessage.objects.exists()


def test_the_seller_and_staff_tell_and_nobody_else_does(
    owners, release, seller, other_seller, staff
) -> None:
    for stranger in (other_seller, staff, owners[0]):
        with pytest.raises(NotYourProduct):
            flows.notify_owners(release, actor=stranger)
    assert not OutboxMessage.objects.exists()
    options = get_release_model()._meta
    staff.user_permissions.add(
        Permission.objects.get(
            content_type__app_label=options.app_label, codename=f"change_{options.model_name}"
        )
    )
    staff = type(staff)._default_manager.get(pk=staff.pk)
    assert flows.notify_owners(release, actor=staff) == 3
    assert flows.notify_owners(release, actor=seller) is None


def test_without_a_page_to_unsubscribe_nobody_is_told(settings, owners, release) -> None:
    settings.DIGITALSTORE_UNSUBSCRIBE_URL = "nowhere"
    with pytest.raises(UnsubscribeNotRouted, match="No owner can be told of a release"):
        flows.notify_owners(release)
    settings.DIGITALSTORE_UNSUBSCRIBE_URL = ""
    with pytest.raises(UnsubscribeNotRouted) as caught:
        flows.notify_owners(release)
    assert str(caught.value) == (
        "DIGITALSTORE_UNSUBSCRIBE_URL is empty: this site tells nobody of releases. To tell "
        "owners, write the name of the URL of your UnsubscribeView."
    )
    assert not OutboxMessage.objects.exists()


# --- to whom --------------------------------------------------------------------------------------


def lose_access(owner: Any, product: Any, release: Any) -> None:
    flows.revoke_product(owner, product, reason="abuse")


def lose_access_by_time(owner: Any, product: Any, release: Any) -> None:
    get_purchased_product_model()._base_manager.filter(user=owner).update(
        expires_at=timezone.now() - DAY
    )


def want_nothing_of_it(owner: Any, product: Any, release: Any) -> None:
    flows.opt_out(owner, product)


def want_nothing_at_all(owner: Any, product: Any, release: Any) -> None:
    flows.opt_out(owner)


def have_no_updates_any_more(owner: Any, product: Any, release: Any) -> None:
    product.updates, product.update_days = "limited", 30
    product.save()
    get_purchased_product_model()._base_manager.filter(user=owner).update(
        granted_at=timezone.now() - 31 * DAY
    )


def be_locked_out(owner: Any, product: Any, release: Any) -> None:
    type(owner)._default_manager.filter(pk=owner.pk).update(is_active=False)


def have_no_address(owner: Any, product: Any, release: Any) -> None:
    type(owner)._default_manager.filter(pk=owner.pk).update(email="")


@pytest.mark.parametrize(
    "happen",
    [
        lose_access,
        lose_access_by_time,
        want_nothing_of_it,
        want_nothing_at_all,
        have_no_updates_any_more,
        be_locked_out,
        have_no_address,
    ],
)
@pytest.mark.parametrize("when", ["before the click", "after the click", "after the batch"])
def test_who_must_not_be_told_is_not(owners, product, release, happen, when) -> None:
    if when == "before the click":
        happen(owners[0], product, release)
    flows.notify_owners(release)
    if when == "after the click":
        happen(owners[0], product, release)
    outbox.deliver(OutboxMessage.objects.get().pk)
    if when == "after the batch":
        assert OutboxMessage.objects.filter(kind=NOTICE).count() == 3
        happen(owners[0], product, release)
    assert told() == addresses(owners[1:])
    assert not OutboxMessage.objects.exclude(state="sent").exists()


@pytest.mark.parametrize("batches", [0, 1])
def test_a_release_that_is_withdrawn_before_the_mails_go_out_is_told_to_nobody(
    owners, release, batches
) -> None:
    flows.notify_owners(release)
    for _ in range(batches):
        outbox.deliver(OutboxMessage.objects.get().pk)
    catalog.yank_release(release, reason="It does not open.")
    assert told() == []
    assert not OutboxMessage.objects.filter(state="pending").exists()


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_who_was_not_told_of_a_release_before_it_was_withdrawn_is_told_once_it_is_back(
    owners, release, batches
) -> None:
    flows.notify_owners(release)
    for _ in range(batches):
        outbox.deliver(OutboxMessage.objects.filter(state="pending").order_by("pk").first().pk)
    early = len(mail.outbox)
    catalog.yank_release(release, reason="It does not open.")
    outbox.sweep()
    catalog.unyank_release(release)
    assert flows.notify_owners(release) == len(owners)
    assert told() == addresses(owners)
    assert early == max(0, batches - 1)


def test_who_wants_nothing_of_another_product_is_told_of_this(
    owners, release, make_product
) -> None:
    flows.opt_out(owners[0], make_product("Another"))
    flows.notify_owners(release)
    assert told() == addresses(owners)


def test_who_wants_to_be_told_again_is(owners, product, release, make_product) -> None:
    other = make_product("Another")
    for _ in range(2):
        flows.opt_out(owners[0], product)
        flows.opt_out(owners[0], other)
        flows.opt_out(owners[0])
    assert policies.is_opted_out(owners[0])
    for _ in range(2):
        flows.opt_in(owners[0], product)
    assert not policies.is_opted_out(owners[0])
    assert not policies.is_opted_out(owners[0], product)
    assert policies.is_opted_out(owners[0], other)
    assert not policies.is_opted_out(owners[1], other)
    flows.opt_in(owners[0])
    assert not policies.is_opted_out(owners[0], other)
    flows.notify_owners(release)
    assert told() == addresses(owners)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("updates", "days", "site"),
    [("", None, None), ("", None, 30), ("limited", 30, 5), ("lifetime", None, 5)],
)
def test_those_are_told_whose_library_has_it(
    settings, product, release, make_user, updates, days, site, seed
) -> None:
    settings.DIGITALSTORE_UPDATE_DAYS = site
    product.updates, product.update_days = updates, days
    product.save()
    choose = random.Random(seed)
    model = get_purchased_product_model()
    for number in range(20):
        owner = make_user(f"reader-{number}")
        purchase = flows.grant_product(owner, product, source=Source("gift"))
        ago = timedelta(days=choose.choice([0, 4, 5, 6, 29, 30, 31, 90]))
        model._base_manager.filter(pk=purchase.pk).update(granted_at=release.published_at - ago)
    release = get_release_model()._default_manager.select_related("product").get(pk=release.pk)
    have_it = {
        purchase.pk
        for purchase in model._default_manager.all()
        if release in policies.releases_for(purchase, product)
    }
    assert set(policies.owners_to_tell(release).values_list("pk", flat=True)) == have_it


def test_days_of_updates_beyond_the_calendar_are_for_ever(owners, product, release) -> None:
    product.updates, product.update_days = "limited", 2_000_000_000
    product.save()
    assert flows.notify_owners(release) == 3


# --- the mail -------------------------------------------------------------------------------------


@pytest.fixture
def library_page(monkeypatch) -> None:
    monkeypatch.setattr(
        get_purchased_product_model(), "get_library_url", lambda self: "/library/", raising=False
    )


def the_mail(release: Any) -> Any:
    flows.notify_owners(release)
    (message,) = send_all()
    return message


@pytest.fixture
def owner(customer, product) -> Any:
    flows.grant_product(customer, product, source=Source("gift"))
    return customer


def test_the_words(owner, product, release, library_page) -> None:
    message = the_mail(release)
    assert message.subject == "New: “A book” 2.0"
    assert message.to == [owner.email]
    assert message.body == (
        "Version 2.0 of “A book” is out, and it is yours: your library has it.\n"
        f"{site_url()}/library/\n"
        "\n"
        "- Now *with* pictures\n"
        "\n"
        "\n"
        "You get this e-mail because you own “A book”. To get no more of these:\n"
        f"{unsubscribe_url(owner, product)}\n"
        "\n"
    )


def test_the_words_of_a_site_that_names_no_library(owner, product, release, monkeypatch) -> None:
    monkeypatch.delattr(get_purchased_product_model(), "get_library_url", raising=False)
    release.notes = ""
    release.save()
    assert the_mail(release).body == (
        "Version 2.0 of “A book” is out, and it is yours: your library has it.\n"
        "Log in to the shop to download it.\n"
        "\n"
        "You get this e-mail because you own “A book”. To get no more of these:\n"
        f"{unsubscribe_url(owner, product)}\n"
        "\n"
    )


def test_a_title_is_text_and_not_html(owner, product, release) -> None:
    product.title = "Q & A <b>"
    product.save()
    message = the_mail(release)
    assert message.subject == "New: “Q & A <b>” 2.0"
    assert "of “Q & A <b>” is out" in message.body


def test_mail_programs_find_their_button(owner, product, release) -> None:
    message = the_mail(release)
    url = unsubscribe_url(owner, product)
    assert message.extra_headers["List-Unsubscribe"] == f"<{url}>"
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    key = f"release:{release.pk}:{owner.pk}"
    assert message.extra_headers["Message-ID"] == outbox.message_id(key)


def test_no_mail_leads_to_a_file(owner, release, library_page) -> None:
    text = the_mail(release).message().as_string()
    stored = release.assets.get().file
    for part in (stored.name, stored.name.rpartition("/")[2], "/downloads/", "Signature"):
        assert part not in text


def test_a_template_that_a_host_broke_is_tried_again(owner, release, tmp_path, settings) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    folder = tmp_path / "digitalstore/entitlements/email"
    folder.mkdir(parents=True)
    (folder / "release_body.txt").write_text("{% nonsense %}")
    flows.notify_owners(release)
    assert send_all() == []
    message = OutboxMessage.objects.get(kind=NOTICE)
    assert (message.state, message.attempts) == ("pending", 1)
    (folder / "release_body.txt").write_text("{{ product }}: {{ unsubscribe_url }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0]}]
    assert outbox.sweep(now=timezone.now() + DAY).sent == 1
    assert mail.outbox[0].body.startswith("A book: http")


# --- the seller's button --------------------------------------------------------------------------


def click(client: Client, release: Any) -> Any:
    return client.post(f"/seller/{release.product.slug}/{release.pk}/notify/")


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_button_tells_and_says_how_many(
    client_of, seller, owners, release, other_customer
) -> None:
    response = click(client_of(seller), release)
    assert (response.status_code, response.url) == (303, "/seller/a-book/")
    assert said(response) == ["3 owners of “A book 2.0” are told by e-mail."]
    response = click(client_of(seller), release)
    assert said(response) == ["The owners of “A book 2.0” were told before. Nobody is told twice."]
    assert told() == addresses(owners)


def test_the_button_counts_one_and_none(client_of, seller, owner, release, make_product) -> None:
    assert said(click(client_of(seller), release)) == ["1 owner of “A book 2.0” is told by e-mail."]
    lonely = make_release(make_product("Lonely", seller=seller), version="1.1")
    assert said(click(client_of(seller), lonely)) == ["Nobody is to be told of “Lonely 1.1”."]


def test_the_button_of_a_draft_says_why_nobody_is_told(client_of, seller, owner, product) -> None:
    draft = make_release(product, version="3.0", published=False)
    response = click(client_of(seller), draft)
    assert response.status_code == 303
    (text,) = said(response)
    assert text == (
        "“A book 3.0” is not there for its owners now: it is a draft, scheduled, or withdrawn. "
        "Publish it, then tell them."
    )
    assert told() == []


def test_the_button_is_for_the_seller_of_the_product(
    client, client_of, seller, other_seller, owner, release, make_product
) -> None:
    assert click(client_of(other_seller), release).status_code == 404
    assert click(client_of(owner), release).status_code == 403
    response = click(client, release)
    assert response.status_code == 302
    assert response.url.endswith("?next=/seller/a-book/")
    assert client_of(seller).get(f"/seller/a-book/{release.pk}/notify/").status_code == 405
    make_product("Another", seller=seller)
    nonsense = ("a-book/x", f"a-book/{10**24}", "a-book/0", f"another/{release.pk}")
    for path in nonsense:
        assert client_of(seller).post(f"/seller/{path}/notify/").status_code == 404
    assert told() == []


# --- the action of the admin ----------------------------------------------------------------------


def admin_page(name: str, *args: Any) -> str:
    options = get_release_model()._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{name}", args=args)


def act(client: Client, release: Any) -> list[str]:
    page = admin_page("reasoned", "notify_owners")
    return said(client.post(page, {"pk": release.pk, "reason": "The seller asked"}))


def test_staff_tell_for_a_reason_that_is_kept(client_of, superuser, owners, release) -> None:
    client = client_of(superuser)
    shown = client.get(admin_page("change", release.pk)).content.decode()
    assert "Tell owners by e-mail" in shown
    assert act(client, release) == ["A book 2.0: 3 owners of “A book 2.0” are told by e-mail."]
    assert "The seller asked" in LogEntry.objects.get().change_message
    shown = client.get(admin_page("change", release.pk)).content.decode()
    assert "Tell owners by e-mail" not in shown
    assert act(client, release) == [
        "A book 2.0: The owners of “A book 2.0” were told before. Nobody is told twice."
    ]
    assert LogEntry.objects.count() == 1
    assert told() == addresses(owners)


def test_the_action_on_a_draft_says_why_nobody_is_told(client_of, superuser, product) -> None:
    (text,) = act(client_of(superuser), make_release(product, version="3.0", published=False))
    assert text.startswith("A book 3.0: “A book 3.0” is not there for its owners now")
    assert not OutboxMessage.objects.exists()


def test_the_action_needs_the_permission_to_change_releases(client_of, staff, release) -> None:
    page = admin_page("reasoned", "notify_owners")
    answer = client_of(staff).post(page, {"pk": release.pk, "reason": "So what"})
    assert answer.status_code == 403
    assert not OutboxMessage.objects.exists()
