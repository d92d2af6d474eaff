"""One sale in a copy of example_project, over HTTP, in an environment with the wheel alone.

    python one_sale.py <copy of example_project>

Only the standard library: what this file imports must not stand in for what the wheel lacks.
"""

from __future__ import annotations

import contextlib
import html
import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

EMAIL, PASSWORD = "mara@example.com", "demo-password"
PRODUCT = "twelve-papers"


class SaleFailed(Exception):
    """Why the sale did not go through."""


def expect(condition: object, reason: str, page: str = "") -> None:
    """Raise ``SaleFailed`` with the reason, and with the text of a page, unless all is well."""
    if not condition:
        seen = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).strip()
        raise SaleFailed(reason + (f"\nThe page says: {seen[:1500]}" if seen else ""))


class Browser:
    """A person at the shop: follows redirects, keeps cookies, sends the forms it finds."""

    def __init__(self, site: str) -> None:
        self.site = site
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self.url, self.page, self.raw = site, "", b""

    def open(self, url: str, fields: dict[str, str] | None = None) -> str:
        """Go to a URL, with a POST where there are fields, and return the page."""
        url = urllib.parse.urljoin(self.url, html.unescape(url))
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        request = urllib.request.Request(url, data=data, headers={"Referer": self.url})
        try:
            with self.opener.open(request, timeout=30) as answer:
                self.url, self.raw = answer.geturl(), answer.read()
        except urllib.error.HTTPError as error:
            page = error.read().decode(errors="replace")
            raise SaleFailed(f"{url} was answered {error.code}.\n{page[:1500]}") from error
        self.page = self.raw.decode(errors="replace")
        return self.page

    def send(self, marker: str, **fields: str) -> str:
        """Send the form of this page that contains ``marker``, filled in as it is and as told."""
        for form in re.findall(r"<form\b.*?</form>", self.page, re.S):
            if marker in form:
                break
        else:
            raise SaleFailed(f"{self.url} has no form with {marker!r}.\n{self.page[:1500]}")
        action = re.search(r'<form\b[^>]*\baction="([^"]*)"', form)
        filled = {}
        for tag in re.findall(r"<input\b[^>]*>", form):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            if "name" in attributes and attributes.get("type") != "checkbox":
                filled[attributes["name"]] = html.unescape(attributes.get("value", ""))
        return self.open(action[1] if action else self.url, {**filled, **fields})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(command: list[str], port: int, env: dict[str, str], log: Path) -> Iterator[None]:
    """Run the shop's server while the block runs."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            expect(server.poll() is None, f"The server ended by itself:\n{log.read_text()}")
            expect(time.monotonic() < deadline, f"The server never listened:\n{log.read_text()}")
            time.sleep(0.1)
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(15)


def buy(site: str, files: Path) -> None:
    """Log in, buy, pay, see the order paid, download, and compare the bytes."""
    me = Browser(site)
    me.open("/accounts/login/")
    me.send('type="password"', login=EMAIL, password=PASSWORD)
    expect("/library/" in me.url, f"The log-in led to {me.url}.", me.page)
    print(f"logged in as {EMAIL}")

    me.open(f"/products/{PRODUCT}/")
    checkout = re.search(r'href="([^"]*/checkout/\?[^"]*)"', me.page)
    expect(checkout, "The product's page has no way to buy.", me.page)
    assert checkout
    me.open(checkout[1])
    me.send('name="product"', country="DE")
    expect("sandbox" in me.url, f"The checkout led to {me.url}.", me.page)
    print(f"bought {PRODUCT}, and is asked to pay at {urllib.parse.urlsplit(me.url).path}")

    me.send('value="pay"', action="pay")
    for _ in range(40):
        if 'data-state="paid"' in me.page:
            break
        time.sleep(0.5)
        me.open(me.url)
    expect('data-state="paid"' in me.page, f"{me.url} never said that it is paid.", me.page)
    print(f"paid: {urllib.parse.urlsplit(me.url).path}")

    me.open("/library/")
    article = next((a for a in me.page.split("<article") if PRODUCT in a), "")
    expect(article, "The library lacks the product.", me.page)
    me.page = article
    me.send("download")
    stored = {path.read_bytes() for path in files.rglob("*") if path.is_file()}
    expect(len(me.raw) > 1000, f"The download has {len(me.raw)} bytes only.", me.page[:500])
    expect(me.raw in stored, "The downloaded bytes are in no file that the shop sells.")
    print(f"downloaded {len(me.raw)} bytes, the same as the shop has")


def main(project: Path) -> None:
    """Set the shop up in a folder of its own, and sell."""
    with tempfile.TemporaryDirectory(prefix="one-sale-") as folder:
        port = free_port()
        site = f"http://127.0.0.1:{port}"
        own = {"DEBUG": "1", "DATA_DIR": folder, "SITE_URL": site, "PYTHONUNBUFFERED": "1"}
        foreign = ("DJANGO_", "DATABASE_", "CACHE_", "PYTHONPATH", "EMAIL_URL", "TEST_MODE")
        env = {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | own
        manage = [sys.executable, str(project / "manage.py")]
        for command in (["migrate", "-v0"], ["loaddemo", "-v0"], ["check", "--fail-level=ERROR"]):
            done = subprocess.run(
                [*manage, *command], env=env, capture_output=True, text=True, check=False
            )
            expect(done.returncode == 0, f"manage.py {command[0]}:\n{done.stdout}\n{done.stderr}")
        print("migrated, and loaded the demo")
        command = [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"]
        log = Path(folder) / "server.log"
        with serving(command, port, env, log):
            try:
                buy(site, Path(folder) / "files")
            except SaleFailed as error:
                raise SaleFailed(f"{error}\nThe server says:\n{log.read_text()[-3000:]}") from error


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("one_sale – no project was named – write: python one_sale.py example_project")
    try:
        main(Path(sys.argv[1]).resolve())
    except SaleFailed as failure:
        sys.exit(f"one_sale – {failure}")
    print("One sale went through.")
