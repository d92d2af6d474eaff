"""Walks through every page of the example shop, as everybody, and looks for what may be nowhere.

``python -m tests.example.walk`` under ``tests.example.walk_settings``; prints what it saw as JSON.
A storage URL, an object's name or folder, and a download link belong into no page, mail, or log
line: whoever has one of the first has the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import django

PEOPLE = (None, "mara@example.com", "ines@example.com", "tomas@example.com", "staff@example.com")
START = (
    "/",
    "/library/",
    "/orders/",
    "/support/",
    "/seller/",
    "/seller/orders/",
    "/seller/support/?show=all",
    "/accounts/",
    "/admin/",
)
#: Pages that are the same for any number of rows, or end the walk.
LEFT_OUT = re.compile(r"^/(static|media)/|logout|/jsi18n/|[?&](o|p|q|e|_popup|all)=|/autocomplete/")
LINK = re.compile(r"""(?:href|src|action)=["']([^"'#]+)""")
FORM = re.compile(
    r"""<form\b[^>]*\baction=["']([^"']*(?:downloads|preview|attachments)[^"']*)["']"""
)
TOKEN = re.compile(r"/(?:downloads|previews|support/files)/([^/]{40,})/")
MOST_PAGES = 400  # for one person; more means that the walk goes in circles


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    from django_digitalstore.catalog import get_asset_model
    from django_digitalstore.support import get_support_attachment_model

    call_command("migrate", verbosity=0)
    call_command("loaddemo", verbosity=0)
    settings.ALLOWED_HOSTS.append("testserver")
    needles = {"bucket.example.com", "X-Amz-Signature", str(settings.DATA_DIR / "files")}
    sold = get_asset_model().objects.values_list("file", flat=True)
    sent = get_support_attachment_model().objects.values_list("file", flat=True)
    for name in (*sold, *sent):
        needles |= {name, name.rpartition("/")[2].partition(".")[0]}
    seen: dict[str, Any] = {"pages": 0, "kinds": set(), "downloads": 0, "leaks": []}
    texts: list[tuple[str, str]] = []
    tokens: set[str] = set()
    for person in PEOPLE:
        client = Client(raise_request_exception=False)
        if person:
            user = get_user_model().objects.get(email=person)
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for where, text in walk(client, seen, tokens):
            texts.append((f"{person}: {where}", text))
    for where, text in try_as_strangers(tokens):
        texts.append((where, text))
    for path in sorted(settings.MAILS_DIR.rglob("*")):
        if path.is_file():
            texts.append((f"mail {path.name}", path.read_text("utf-8", "replace")))
            seen["mails"] = seen.get("mails", 0) + 1
    log = (settings.DATA_DIR / "walk.log").read_text("utf-8", "replace")
    seen["log_lines"] = len(log.splitlines())
    texts += [(f"log: {line}", line) for line in log.splitlines()]
    for where, text in texts:
        plain = unquote(unescape(text))
        found = sorted(n for n in needles | tokens if n in plain)
        seen["leaks"] += [f"{where}: {needle}" for needle in found]
    seen["kinds"] = sorted(seen["kinds"])
    seen["tokens"] = len(tokens)
    print(json.dumps(seen))


def walk(client: Any, seen: dict[str, Any], tokens: set[str]) -> Iterator[tuple[str, str]]:
    """Yield every page that this person comes to, from the pages where one starts."""
    waiting, known = list(START), set(START)
    forms: set[str] = set()
    while waiting and len(known) < MOST_PAGES:
        url = waiting.pop(0)
        response = client.get(url)
        if 300 <= response.status_code < 400:
            waiting_for = [response.headers["Location"]]
            text = ""
        else:
            text = body_of(response)
            seen["pages"] += 1
            seen["kinds"].add(response.headers.get("Content-Type", "").partition(";")[0])
            headers = "\n".join(f"{k}: {v}" for k, v in response.items())
            yield url, f"{headers}\n{text}"
            waiting_for = LINK.findall(text)
            forms |= {urljoin(url, unescape(action)) for action in FORM.findall(text)}
        for link in waiting_for:
            target = urljoin(url, unescape(link))
            parts = urlsplit(target)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            is_ours = parts.netloc in {"", "testserver", "127.0.0.1:8000"}
            if is_ours and path not in known and not LEFT_OUT.search(path):
                known.add(path)
                waiting.append(path)
    for action in sorted(forms):
        response = client.post(action)
        location = response.headers.get("Location", "")
        tokens |= set(TOKEN.findall(location))
        yield f"POST {action}", body_of(response)
        if TOKEN.search(location):
            answer = client.get(location)
            b"".join(answer.streaming_content) if answer.streaming else None
            seen["downloads"] += 1
            # Altered, it is nobody's; of another person, it is not there.
            yield f"altered {action}", body_of(client.get(location[:-3] + "x/"))


def try_as_strangers(tokens: set[str]) -> Iterator[tuple[str, str]]:
    """Yield what others see of links that are genuine, and not theirs."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    nobody, stranger = Client(), Client()
    user = get_user_model().objects.create_user("stranger", "stranger@example.com")
    stranger.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for number, token in enumerate(sorted(tokens)):
        for prefix in ("/downloads/", "/previews/", "/support/files/", "/seller/support/files/"):
            for who, client in (("nobody", nobody), ("stranger", stranger)):
                answer = client.get(f"{prefix}{token}/", follow=True)
                assert not answer.streaming, f"{who} got a file of {prefix}"
                yield f"{who}: link {number} at {prefix}", body_of(answer)


def body_of(response: Any) -> str:
    """Return what a browser would show; a file is not a page."""
    if response.streaming:
        response.close()
        return ""
    return response.content.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
