"""A buyer whose browser knows cookies, redirects and forms, and no JavaScript."""

from __future__ import annotations

import http.client
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

REDIRECTS = {301, 302, 303, 307, 308}


class Page:
    """An answer of the site, after its redirects."""

    def __init__(self, url: str, response: http.client.HTTPResponse) -> None:
        self.url = url
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        """Return the page as text."""
        return self.body.decode()

    @property
    def csrf(self) -> str:
        """Return the token of the page's form."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.text)
        assert found, self.text
        return found.group(1)


class Buyer:
    """Gets and posts at one site, keeping cookies; ``session`` is that of somebody logged in."""

    def __init__(self, url: str, session: str) -> None:
        self.url = url
        self.cookies = {"sessionid": session}

    def get(self, path: str) -> Page:
        """Open a page."""
        return self._open("GET", urljoin(self.url, path), None, {})

    def post(self, path: str, page: Page, **data: str) -> Page:
        """Send a form of ``page``."""
        body = urlencode({**data, "csrfmiddlewaretoken": page.csrf})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": page.url}
        return self._open("POST", urljoin(page.url, path), body, headers)

    def link(self, path: str, page: Page) -> str:
        """Send a form of ``page`` that has no fields; return where it leads, without going."""
        body = urlencode({"csrfmiddlewaretoken": page.csrf})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": page.url}
        answer = self._ask("POST", urljoin(page.url, path), body, headers)
        assert answer.status in REDIRECTS, f"{answer.status} {path}\n{answer.body[:3000]!r}"
        return urljoin(page.url, answer.headers["Location"])

    def ask(self, path: str, method: str = "GET", **headers: str) -> Page:
        """Return the answer to one request, whatever it is: ``ask(path, Range="bytes=5-")``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask(method, urljoin(self.url, path), None, named)

    def _open(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Page:
        page = self._ask(method, url, body, headers)
        if page.status in REDIRECTS:
            return self._open("GET", urljoin(url, page.headers["Location"]), None, {})
        assert page.status == 200, f"{page.status} {method} {url}\n{page.body[:3000]!r}"
        return page

    def _ask(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Page:
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.url, f"led away to {url}"
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(
            method, target, body, {**headers, "Host": parts.netloc, "Cookie": cookie}
        )
        response = connection.getresponse()
        page = Page(url, response)
        for header in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        connection.close()
        return page
