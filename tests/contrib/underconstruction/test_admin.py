"""The switch in the admin: it asks why, writes it down, and needs the permission."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from django_digitalstore.contrib.underconstruction.flag import flag
from django_digitalstore.contrib.underconstruction.models import SiteStatus, SiteStatusChange
from django_digitalstore.core.testing import assert_query_budget

pytestmark = pytest.mark.django_db

LIST = "/admin/digitalstore_underconstruction/sitestatus/"


@pytest.fixture
def boss(client_of: Any, superuser: Any) -> Client:
    return client_of(superuser)


def do(client: Client, action: str, **given: Any) -> Any:
    response = client.post(f"{LIST}do/{action}/", {"reason": "We move.", **given}, follow=True)
    flag.forget()
    return response


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def split(moment: Any) -> dict[str, str]:
    return {"0": f"{moment:%Y-%m-%d}", "1": f"{moment:%H:%M:%S}"}


def test_the_list_has_the_buttons_before_there_is_a_row(boss):
    page = boss.get(LIST).content.decode()
    links = re.findall(rf'href="{LIST}do/([a-z-]+)/">([^<]+)<', page)
    assert links == [
        ("close", "Close the site now"),
        ("open", "Open the site"),
        ("schedule", "Close the site later"),
        ("preview-link", "Make a preview link"),
        ("revoke-links", "Revoke all preview links"),
    ]
    assert f"{LIST}add/" not in page


def test_staff_close_and_open_the_site_for_a_reason(boss, superuser, client):
    response = do(boss, "close", message="New shelves.")
    assert told(response) == ["The site: It is closed."]
    assert b"New shelves." in client.get("/plain/").content
    row = SiteStatus.objects.get()
    assert (row.is_on, row.changed_by, row.reason) == (True, superuser, "We move.")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (superuser, "1")
    assert entry.get_change_message() == "Close the site now: We move."
    page = boss.get(f"{LIST}1/change/").content.decode()
    assert "New shelves." in page
    assert f"{LIST}do/open/" in page
    assert 'name="_save"' not in page

    response = do(boss, "open")
    assert told(response) == ["The site: It is open."]
    assert client.get("/plain/").status_code == 200
    assert SiteStatusChange.objects.count() == LogEntry.objects.count() == 2


@pytest.mark.parametrize("action", ["close", "schedule"])
def test_each_field_of_a_moment_has_a_name(boss, action):
    page = boss.get(f"{LIST}do/{action}/").content.decode()
    fields = re.findall(r'<input[^>]*class="v(Date|Time)Field"[^>]*>', page)
    named = re.findall(r'<input[^>]*class="v(Date|Time)Field"[^>]*aria-label="(Date|Time):"', page)
    assert len(fields) in (2, 4)
    assert named == [(kind, kind) for kind in fields]


def test_without_a_reason_nothing_is_done(boss):
    response = do(boss, "close", reason="")
    assert response.status_code == 200
    assert "This field is required." in response.content.decode()
    assert not SiteStatus.objects.exists()


def test_it_closes_until_and_by_schedule(boss):
    now = timezone.now().replace(microsecond=0)
    ends = split(now + timedelta(hours=2))
    do(boss, "close", **{f"until_{k}": v for k, v in ends.items()})
    assert SiteStatus.objects.get().ends_at == now + timedelta(hours=2)
    starts = split(now + timedelta(hours=1))
    response = do(
        boss,
        "schedule",
        **{f"starts_at_{k}": v for k, v in starts.items()},
        **{f"ends_at_{k}": v for k, v in ends.items()},
    )
    assert told(response)[0].startswith("The site: It closes at ")
    row = SiteStatus.objects.get()
    assert (row.is_on, row.starts_at) == (False, now + timedelta(hours=1))


def test_what_the_flow_refuses_is_told(boss):
    past = split(timezone.now() - timedelta(hours=2))
    response = do(boss, "close", **{f"until_{k}": v for k, v in past.items()})
    assert told(response) == ["The site: The end of the closure has passed already."]
    assert not SiteStatus.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_preview_link_is_shown_and_the_revoked_one_lets_nobody_in(boss, client):
    do(boss, "close")
    (text,) = told(do(boss, "preview-link", days="2"))
    link = urlsplit(re.search(r"http://testserver\S+", text)[0])  # type: ignore[index]
    assert client.get(f"{link.path}?{link.query}").status_code == 302
    assert client.get("/plain/").status_code == 200
    assert told(do(boss, "revoke-links")) == [
        "The site: Links that were made before let nobody in."
    ]
    assert client.get("/plain/").status_code == 503
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Close the site now: We move.",
        "Make a preview link: We move.",
        "Revoke all preview links: We move.",
    ]


def test_staff_without_the_permission_see_and_do_nothing(client_of, staff):
    client = client_of(staff)
    assert client.get(LIST).status_code == 403
    assert do(client, "close").status_code == 403
    codename = "view_sitestatus"
    staff.user_permissions.add(Permission.objects.get(codename=codename))
    assert f"{LIST}do/" not in client_of(staff).get(LIST).content.decode()
    assert do(client_of(staff), "close").status_code == 403
    assert not SiteStatus.objects.exists()
    codename = "change_sitestatus"
    staff.user_permissions.add(Permission.objects.get(codename=codename))
    do(client_of(staff), "close")
    assert SiteStatus.objects.get().is_on


def test_nothing_is_written_by_hand(boss):
    do(boss, "close")
    for path in (f"{LIST}add/", f"{LIST}1/delete/"):
        assert boss.get(path).status_code == 403
    assert boss.post(f"{LIST}1/change/", {"is_on": ""}).status_code == 403
    assert SiteStatus.objects.get().is_on
    changes = "/admin/digitalstore_underconstruction/sitestatuschange/"
    pk = SiteStatusChange.objects.get().pk
    assert boss.get(f"{changes}{pk}/change/").status_code == 200
    for path in (f"{changes}add/", f"{changes}{pk}/delete/"):
        assert boss.get(path).status_code == 403


@pytest.mark.parametrize("rows", [1, 10, 100])
def test_the_history_costs_the_same_whatever_its_length(boss, superuser, rows):
    SiteStatusChange.objects.bulk_create(
        SiteStatusChange(change="closed", reason="We move.", changed_by=superuser)
        for _ in range(rows)
    )
    changes = "/admin/digitalstore_underconstruction/sitestatuschange/"
    boss.get(changes)
    with assert_query_budget(4):  # session, user, a page of rows, what a filter counts
        assert boss.get(changes).status_code == 200
