"""The switch from the command line."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_digitalstore.contrib.underconstruction.flag import flag
from django_digitalstore.contrib.underconstruction.models import SiteStatus, SiteStatusChange

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("digitalstore_underconstruction", *arguments, stdout=out)
    flag.forget()
    return out.getvalue().strip()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert not SiteStatus.objects.exists()
    return str(caught.value)


def test_on_and_off(client):
    assert run("status") == "The site is open."
    said = run("on", "--message", "New shelves.", "--reason", "We move.", "--retry-after", "60")
    assert said == run("status") == "The site is closed, until somebody opens it."
    response = client.get("/plain/")
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert b"New shelves." in response.content
    assert run("off") == run("status") == "The site is open."
    assert client.get("/plain/").status_code == 200
    assert list(SiteStatusChange.objects.values_list("change", "reason")) == [
        ("opened", "By the command line."),
        ("closed", "We move."),
    ]


def test_times_are_those_of_the_site(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    day = (timezone.localtime() + timedelta(days=1)).date()
    said = run("schedule", "--from", f"{day}T10:00", "--until", f"{day}T09:30Z")
    row = SiteStatus.objects.get()
    assert timezone.localtime(row.starts_at).hour == 10
    offset = timezone.localtime(row.starts_at).isoformat()[-6:]
    ends = timezone.localtime(row.ends_at)
    assert (
        said
        == run("status")
        == (f"The site is open; it closes at {day} 10:00{offset} until {day} {ends:%H:%M}{offset}.")
    )
    run("on", "--until", f"{day}T10:00")
    assert run("status") == f"The site is closed until {day} 10:00{offset}."


def test_a_preview_link(client):
    run("on")
    link = urlsplit(run("preview-link", "--hours", "0.5", "--path", "/plain/"))
    assert (link.scheme, link.netloc) == ("http", "testserver")
    response = client.get(f"{link.path}?{link.query}")
    assert (response.status_code, response["Location"]) == (302, "/plain/")
    assert 1790 <= int(response.cookies["digitalstore_preview"]["max-age"]) <= 1800
    assert client.get("/plain/").status_code == 200
    assert run("revoke-links") == "Preview links that were made before let nobody in."
    assert client.get("/plain/").status_code == 503


def test_what_can_not_be_is_refused():
    no_time = "which is no time. Write 2026-11-22T18:00."
    assert refused("on", "--until", "tomorrow") == f"--until is 'tomorrow', {no_time}"
    assert refused("schedule", "--from", "2026-13-01T10:00") == (
        f"--from is '2026-13-01T10:00', {no_time}"
    )
    assert refused("on", "--until", "2001-01-01T00:00") == (
        "The end of the closure has passed already."
    )
    assert refused("on", "--reason", "") == "Write why. It is kept in the history."
    assert refused("preview-link", "--path", "//evil.example") == (
        "--path is '//evil.example', which is no path of the site. Write /."
    )
    assert refused("preview-link", "--hours", "0") == (
        "--hours must be more than 0, and at most a year."
    )
