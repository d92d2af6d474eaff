"""Follows ``docs/tutorial/existing-site.md`` word for word, to a first sale.

``python -m tests.docs.follow_tutorial [folder]``, in an empty folder. Three things it cannot do as
a reader does: it takes the suite that is installed instead of installing it, it gives the passwords
by the environment, and where port 8000 is taken it uses another.
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial" / "existing-site.md"
PASSWORD = "a-long-pass-word-1"

_STEP = re.compile(
    r"^```console\n(?P<console>.*?)^```$"
    r"|^```\{code-block\} \w+\n:caption: (?P<caption>[^\n]+)\n\n(?P<code>.*?)^```$"
    r"|^% answers: (?P<answers>[^\n]+)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Command:
    """A line to type, and what it is answered when it asks."""

    line: str
    answers: str = ""


@dataclass(frozen=True)
class Edit:
    """Lines to put where ``caption`` says."""

    caption: str
    code: str


def steps(page: Path = PAGE) -> list[Command | Edit]:
    """Return what the page tells to type and to write, in its order."""
    found: list[Command | Edit] = []
    for match in _STEP.finditer(page.read_text(encoding="utf-8")):
        if match["console"]:
            lines = match["console"].splitlines()
            found += [Command(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
        elif match["answers"]:
            last = found[-1]
            assert isinstance(last, Command)
            answers = [a.strip() for a in match["answers"].split(",")]
            last.answers = "".join(("" if a == "(Enter)" else a) + "\n" for a in answers)
        else:
            found.append(Edit(match["caption"], match["code"]))
    return found


class Stumble(AssertionError):
    """The page and the world disagree."""


@dataclass
class Reader:
    """Somebody who does what the page says, and keeps account of it."""

    folder: Path
    commands: int = 0
    by_hand: list[str] = field(default_factory=list)
    printed: set[str] = field(default_factory=set)

    def follow(self) -> None:
        """Take every step of the page, and make the sale of its last one."""
        for step in steps():
            if isinstance(step, Edit):
                self.edit(step)
            elif step.line.endswith(" runserver"):
                self.commands += 1
                with self.server() as address:
                    make_first_sale(address)
            else:
                self.run(step)

    def edit(self, edit: Edit) -> None:
        """Write a file, or put lines into one; count those that nothing printed."""
        path, _, place = edit.caption.partition(", ")
        target = self.folder / path
        old = target.read_text() if target.exists() else ""
        if place == "into INSTALLED_APPS":
            head, start, rest = old.partition("INSTALLED_APPS = [\n")
            inside, end, tail = rest.partition("]\n")
            new = head + start + inside + edit.code + end + tail
        elif place == "at the end":
            new = f"{old}\n{edit.code}"
        elif place:
            raise Stumble(f"{edit.caption}: nobody knows where that is.")
        else:
            new = edit.code
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(new)
        known = {*self.printed, *map(str.strip, old.splitlines())}
        lines = [line.strip() for line in edit.code.splitlines()]
        self.by_hand += [line for line in lines if line and line not in known]

    def environment(self) -> dict[str, str]:
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DJANGO_", "DATABASE_", "CACHE_", "PYTEST_", "DIGITALSTORE_"))
        }
        suite = importlib.util.find_spec("django_digitalstore")
        assert suite is not None
        assert suite.origin is not None
        env["PYTHONPATH"] = str(Path(suite.origin).parents[1])
        return env | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "NO_COLOR": "1"}

    def run(self, command: Command) -> None:
        """Type a line, and keep what it prints."""
        self.commands += 1
        words = command.line.split()
        if words[:4] == ["python", "-m", "pip", "install"]:
            if words[4:] != ["django-digitalstore"]:
                raise Stumble(f"{command.line}: that is another package.")
            return
        if words[0] != "python":
            raise Stumble(f"{command.line}: not every system has that.")
        words[0] = sys.executable
        if "createsuperuser" in words:
            words.append("--noinput")
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment(),
            input=command.answers,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise Stumble(f"$ {command.line}\n{done.stdout}{done.stderr}")
        self.printed |= {line.strip() for line in done.stdout.splitlines()}

    @contextmanager
    def server(self) -> Iterator[str]:
        """Run the site until the block is left."""
        port = 8000 if _is_free(8000) else _free_port()
        address = f"http://localhost:{port}"
        if port != 8000:
            with (self.folder / "mysite" / "settings.py").open("a") as settings:
                settings.write(f'DIGITALSTORE_SITE_URL = "{address}"\n')
        log = (self.folder / "server.log").open("w+")
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"localhost:{port}"],
            cwd=self.folder,
            env=self.environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, server)
            yield address
        except (AssertionError, OSError) as error:
            log.seek(0)
            raise Stumble(f"{error}\nThe server said:\n{log.read()}") from error
        finally:
            server.terminate()
            server.wait(timeout=10)
            log.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("localhost", port)) != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen) -> None:
    until = time.monotonic() + 30
    while _is_free(port):
        if server.poll() is not None or time.monotonic() > until:
            raise Stumble("The server does not start.")
        time.sleep(0.1)


class _Forms(HTMLParser):
    """The forms of a page: their fields as they stand, and their buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict] = []
        self.open: dict | None = None
        self.button: dict | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.open = {"action": found.get("action") or "", "fields": {}, "buttons": []}
            self.forms.append(self.open)
        elif self.open is None:
            return
        elif tag == "input" and found.get("name"):
            if found.get("type") not in ("checkbox", "radio", "submit") or "checked" in found:
                self.open["fields"][found["name"]] = found.get("value") or ""
        elif tag in ("select", "textarea") and found.get("name"):
            self.open["fields"].setdefault(found["name"], "")
            self.open["select"] = found["name"]
        elif tag == "option" and "selected" in found:
            self.open["fields"][self.open["select"]] = found.get("value") or ""
        elif tag == "button":
            self.button = {"text": "", "name": found.get("name"), "value": found.get("value")}
            self.open["buttons"].append(self.button)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "button":
            self.button = None

    def handle_data(self, data: str) -> None:
        if self.button is not None:
            self.button["text"] += data


class Browser:
    """A window with cookies of its own."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.url = address
        self.html = ""
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
        )

    def open(self, path: str, fields: dict[str, str] | None = None) -> None:
        """Open a page, or send ``fields`` to it."""
        data = None if fields is None else urlencode(fields).encode()
        try:
            with self.opener.open(urljoin(self.url, path), data, timeout=30) as answer:
                self.url, self.html = answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()[:3000]
            raise Stumble(f"{error.url} answers {error.code}:\n{text}") from error

    def press(self, text: str, **fields: str) -> None:
        """Fill in the form whose button begins with ``text``, and press it."""
        parser = _Forms()
        parser.feed(self.html)
        for form in parser.forms:
            for button in form["buttons"]:
                if button["text"].strip().startswith(text):
                    sent = {**form["fields"], **fields}
                    if button["name"]:
                        sent[button["name"]] = button["value"] or ""
                    self.open(form["action"] or self.url, sent)
                    return
        raise Stumble(f"{self.url} has no button “{text}”:\n{self.html}")

    def choose(self, text: str) -> None:
        """Follow the link with this text."""
        link = re.search(rf'<a[^>]* href="([^"]+)"[^>]*>\s*{re.escape(text)}', self.html)
        link = link or re.search(rf'<a href="([^"]+)"[^>]*>\s*{re.escape(text)}', self.html)
        if link is None:
            raise Stumble(f"{self.url} has no link “{text}”:\n{self.html}")
        self.open(link[1].replace("&amp;", "&"))

    def log_in(self, name: str) -> None:
        self.open("/accounts/login/")
        self.press("Log in", username=name, password=PASSWORD)


def make_first_sale(address: str) -> None:
    """Do in two browsers what step 5 of the page says."""
    ada = Browser(address)
    ada.log_in("ada")
    ada.open("/shop/seller/products/new/")
    ada.press("Save", title="Emma", price="12")
    ada.press("Publish")

    grace = Browser(address)
    grace.log_in("grace")
    grace.open("/shop/")
    grace.choose("Emma")
    grace.choose("Buy")
    grace.press("Pay", country="DE")
    grace.press("Pay")
    until = time.monotonic() + 20
    while "Paid" not in grace.html and "paid" not in grace.html:
        if time.monotonic() > until:
            raise Stumble(f"The order is never paid:\n{grace.html}")
        time.sleep(0.5)
        grace.open(urlsplit(grace.url).path)
    grace.open("/shop/library/")
    if "Emma" not in grace.html:
        raise Stumble(f"Emma is not in the library:\n{grace.html}")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    reader = Reader(folder)
    reader.follow()
    print(f"Sold, after {reader.commands} commands and {len(reader.by_hand)} lines by hand:")
    print("\n".join(f"    {line}" for line in reader.by_hand))


if __name__ == "__main__":
    main()
