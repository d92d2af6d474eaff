"""Staff make and change all links, through the flows, and what they do is in the history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.contrib.shorturls.models import ShortLink, ShortLinkOrder
from django_digitalstore.contrib.shorturls.testing import click, saved_clicks
from django_digitalstore.core.testing import assert_query_budget

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

_APP = "admin:digitalstore_shorturls"


@pytest.fixture
def admin(client_of, superuser):
    return client_of(superuser)


def test_a_link_of_anybodys_is_made_and_logged(admin, seller, product, superuser):
    given = {"product": product.pk, "owner": seller.pk, "code": "poster", "label": "Poster"}
    answer = admin.post(reverse(f"{_APP}_shortlink_add"), given)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    link = ShortLink.objects.get()
    assert (link.code, link.owner, link.path) == ("poster", seller, product.get_absolute_url())
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.object_id, entry.is_addition()) == (superuser, str(link.pk), True)


def test_a_link_is_changed_through_the_flow_and_felt(
    admin, link, django_capture_on_commit_callbacks
):
    click(link)
    change = reverse(f"{_APP}_shortlink_change", args=[link.pk])
    assert link.code in admin.get(change).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin.post(change, {"address": "/sale/", "label": "", "code": "other"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert click(link)["Location"] == "/sale/"
    assert LogEntry.objects.get().is_change()


def test_what_the_flow_refuses_stands_at_its_field(admin, link):
    change = reverse(f"{_APP}_shortlink_change", args=[link.pk])
    answer = admin.post(change, {"address": "//evil.example/"})
    assert answer.context["adminform"].form.errors == {
        "address": ["Write a path of this site that begins with one slash, as in /products/."]
    }
    add = reverse(f"{_APP}_shortlink_add")
    answer = admin.post(add, {"address": "/", "code": link.code})
    assert answer.context["adminform"].form.errors == {
        "code": ["This code is taken. Choose another."]
    }
    answer = admin.post(add, {"address": "/", "code": "admin"})
    assert answer.context["adminform"].form.errors == {
        "code": ["This code is reserved. Choose another."]
    }
    assert not LogEntry.objects.exists()


def test_a_link_whose_target_is_emptied_is_refused(admin, link):
    answer = admin.post(reverse(f"{_APP}_shortlink_change", args=[link.pk]), {"address": ""})
    assert answer.context["adminform"].form.errors == {
        "__all__": ["Say one thing that the link leads to: a product, or an address."]
    }


def test_an_expired_link_is_edited_and_keeps_its_time_to_the_microsecond(admin, link):
    past = timezone.now().replace(microsecond=123) - timedelta(days=1)
    ShortLink.objects.filter(pk=link.pk).update(expires_at=past)
    change = reverse(f"{_APP}_shortlink_change", args=[link.pk])
    shown = timezone.localtime(past)
    given = {"address": "/sale/", "expires_at_0": shown.date(), "expires_at_1": f"{shown:%H:%M:%S}"}
    answer = admin.post(change, given)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    link.refresh_from_db()
    assert (link.path, link.expires_at) == ("/sale/", past)


def test_a_link_is_switched_off_and_on_for_a_reason(admin, link):
    for action, active, text in (
        ("disable", False, f"{link.code}: Switched off."),
        ("disable", False, f"{link.code}: Switched off already."),
        ("enable", True, f"{link.code}: Switched on."),
        ("enable", True, f"{link.code}: Switched on already."),
    ):
        do = reverse(f"{_APP}_shortlink_reasoned", args=[action])
        given = {"reason": "Phishing", "pk": link.pk}
        answer = admin.post(do, given, follow=True)
        assert [str(message) for message in answer.context["messages"]] == [text]
        link.refresh_from_db()
        assert link.is_active is active
    assert ["Phishing" in entry.change_message for entry in LogEntry.objects.all()] == [True, True]


def test_a_link_is_deleted_by_the_flow(admin, link, django_capture_on_commit_callbacks):
    click(link)
    delete = reverse(f"{_APP}_shortlink_delete", args=[link.pk])
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(delete, {"post": "yes"})
    assert click(link).status_code == 404
    again = ShortLink.objects.create(code="again", target_kind="path", path="/")
    click(again)
    chosen = {"action": "delete_selected", "_selected_action": [again.pk], "post": "yes"}
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(reverse(f"{_APP}_shortlink_changelist"), chosen)
    assert click(again).status_code == 404


def test_a_link_is_deleted_with_its_days_and_orders(admin, make_link):
    links = [make_link() for _ in range(3)]
    for link in links:
        click(link)
        ShortLinkOrder.objects.create(link=link, order_public_id=f"ORDER{link.pk}")
    saved_clicks(links[0])
    first, *others = [link.pk for link in links]
    page = reverse(f"{_APP}_shortlink_delete", args=[first])
    assert admin.post(page, {"post": "yes"}).status_code == 302
    chosen = {"action": "delete_selected", "_selected_action": others, "post": "yes"}
    assert admin.post(reverse(f"{_APP}_shortlink_changelist"), chosen).status_code == 302
    assert not ShortLink.objects.exists()


def test_who_may_only_look_only_looks(client_of, staff, link):
    staff.user_permissions.add(Permission.objects.get(codename="view_shortlink"))
    looker = client_of(staff)
    change = reverse(f"{_APP}_shortlink_change", args=[link.pk])
    assert looker.get(change).status_code == 200
    assert looker.post(change, {"address": "/"}).status_code == 403
    assert looker.get(reverse(f"{_APP}_shortlink_add")).status_code == 403


def test_staff_who_may_only_delete_delete(client_of, staff, link):
    may = Permission.objects.filter(codename__in=["view_shortlink", "delete_shortlink"])
    staff.user_permissions.set(may)
    page = reverse(f"{_APP}_shortlink_delete", args=[link.pk])
    assert client_of(staff).post(page, {"post": "yes"}).status_code == 302
    assert not ShortLink.objects.exists()


@pytest.mark.parametrize("number", [1, 10, 100])
def test_the_list_takes_the_same_queries_however_long_it_is(admin, seller, number):
    ShortLink.objects.bulk_create(
        ShortLink(code=f"c{n}", owner=seller, target_kind="path", path="/") for n in range(number)
    )
    with assert_query_budget(6):
        assert admin.get(reverse(f"{_APP}_shortlink_changelist")).status_code == 200


def test_the_clicks_of_days_are_there_to_read(admin, link):
    click(link)
    saved_clicks(link)
    assert link.code in admin.get(reverse(f"{_APP}_shortlinkday_changelist")).content.decode()
    change = reverse(f"{_APP}_shortlinkday_change", args=[link.days.get().pk])
    assert admin.post(change, {"clicks": 99}).status_code == 403


def test_orders_of_links_are_there_to_read(admin, link):
    row = ShortLinkOrder.objects.create(link=link, order_public_id="ORDER1")
    assert "ORDER1" in admin.get(reverse(f"{_APP}_shortlinkorder_changelist")).content.decode()
    change = reverse(f"{_APP}_shortlinkorder_change", args=[row.pk])
    assert admin.get(change).status_code == 200
    assert admin.post(change, {"order_public_id": "ORDER2"}).status_code == 403
    assert admin.get(reverse(f"{_APP}_shortlinkorder_add")).status_code == 403
