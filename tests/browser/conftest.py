"""A shop of its own for the run, and a person with a browser who looks at every page twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Download, Page, expect

from example_project.demo.catalogue import CATALOGUE
from example_project.demo.content import build_files
from tests.live.store import ROOT, free_port, wait_for_port

# pytest-playwright runs an event loop in the main thread, where Django's test database is set up.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

SCREENSHOTS = Path(__file__).parent / "screenshots"
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
PASSWORD = "demo-password"
#: What is asked of every page: WCAG 2.2 AA, and what is good practice everywhere.
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Shop:
    """The example project with a folder of its own, served as a process of its own.

    With ``bucket_url`` (``http://key:secret@host/bucket``) what it sells lies in that bucket.
    """

    def __init__(self, folder: Path, bucket_url: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        foreign = ("DJANGO_", "DATABASE_", "CACHE_", "EMAIL_", "PYTEST_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | {
            # As visitors meet it: with the pages for errors, not Django's debug pages.
            "DEBUG": "0",
            "TEST_MODE": "1",
            "SECRET_KEY": "only-for-the-browser-tests-0123456789-0123456789",
            "DATA_DIR": str(folder),
            "SITE_URL": self.url,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p.endswith("/src")),
            "PYTHONUNBUFFERED": "1",
        }
        if bucket_url:
            self.env |= {
                "S3_URL": bucket_url,
                "DJANGO_SETTINGS_MODULE": "tests.browser.bucket_settings",
                "PYTHONPATH": os.pathsep.join([self.env["PYTHONPATH"], str(ROOT)]),
            }
        self.manage("migrate", "-v0")
        self.manage("loaddemo", "-v0")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "example_project" / "manage.py"), *arguments]

    def manage(self, *arguments: str) -> None:
        done = subprocess.run(
            self.command(*arguments), env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"

    def serve(self) -> Iterator[Shop]:
        log = self.folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                self.command("runserver", "--noreload", f"127.0.0.1:{self.port}"),
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_for_port(self.port, server, log)
            yield self
        finally:
            server.terminate()
            server.wait(15)
        text = log.read_text()
        assert "Internal Server Error" not in text, f"The server raised:\n{text}"


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield from Shop(tmp_path_factory.mktemp("shop")).serve()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        "args": [
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ],
    }


class Person:
    """Somebody at the shop. ``look`` is what a test does with every page it comes to."""

    def __init__(self, context: BrowserContext, shop: Shop) -> None:
        self.shop = shop
        self.page: Page = context.new_page()
        self.context = context
        self.complaints: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def go(self, path: str) -> Page:
        self.page.goto(self.shop.url + path)
        return self.page

    def look(self, name: str, *, answered: int = 200) -> None:
        """Judge the page by axe, light and dark, and keep pictures of it on desktop and phone."""
        page = self.page
        page.wait_for_load_state()
        if answered != 200:
            # A browser complains about the page itself in its console.
            self.complaints = [c for c in self.complaints if f"status of {answered}" not in c]
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name}: {wide} px wider than a {size}."
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                # Colours that are still on their way are nobody's contrast.
                page.evaluate("Promise.all(document.getAnimations().map(a => a.finished))")
                violations = Axe().run(page, options=AXE).response["violations"]
                assert not violations, f"{name}, {size}, {scheme}:\n" + describe(violations)
                page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(SIZES["desktop"])  # type: ignore[arg-type]

    def log_in(self, email: str) -> None:
        self.go("/accounts/login/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()

    def sign_up(self, email: str, *, look: bool = False) -> None:
        """Fill in the form of this page, and the code that the page of mails shows."""
        self.page.get_by_label("Email").fill(email)
        for field in ("Password", "Password (again)"):
            self.page.get_by_label(field, exact=True).fill("a-long-password-1")
        self.page.get_by_role("main").get_by_role(
            "button", name=re.compile("sign up", re.I)
        ).click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Code")
        if look:
            self.look("sign-up-code")
        self.page.get_by_label("Code").fill(self.code_for(email))
        self.page.get_by_role("button", name="Confirm").click()

    def code_for(self, email: str) -> str:
        """Read the newest mail to an address in another tab, as one does."""
        tab = self.context.new_page()
        tab.goto(f"{self.shop.url}/mails/")
        mail = tab.get_by_role("article").filter(has_text=email).first
        found = re.search(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", mail.inner_text(), re.M)
        assert found, mail.inner_text()
        tab.close()
        return found[1]

    def check_out(self, slug: str) -> None:
        """Go from a product's page to the page on which one pays."""
        self.go(f"/products/{slug}/")
        self.page.get_by_role("link", name="Buy now").click()
        self.fill_checkout()

    def fill_checkout(self) -> None:
        self.page.get_by_label("Country").select_option("DE")
        self.page.get_by_role("button", name=re.compile("^Pay")).click()

    def download(self, name: str) -> bytes:
        """Download a file from the library, and return what arrived."""
        self.go("/library/")
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=f"Download {name}").click()
        download: Download = started.value
        assert download.suggested_filename == name
        return Path(download.path()).read_bytes()


def describe(violations: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{v['id']}: {v['help']}\n" + "\n".join(f"    {n['html'][:200]}" for n in v["nodes"])
        for v in violations
    )


def files_of(slug: str) -> dict[str, bytes]:
    """Return the files of a demo product's newest version, as they were put in."""
    return dict(build_files(next(demo for demo in CATALOGUE if demo.slug == slug)))


MakePerson = Callable[..., Person]


@pytest.fixture
def make_person(shop: Shop, browser: Browser) -> Iterator[MakePerson]:
    """Give a function that opens a browser for one more person; nobody's console may complain."""
    people: list[Person] = []

    def make(**options: Any) -> Person:
        # Colours that are still on their way to another scheme have no contrast to measure.
        wishes = {"locale": "en-GB", "reduced_motion": "reduce"}
        context = browser.new_context(viewport=SIZES["desktop"], **wishes, **options)
        context.set_default_timeout(10_000)
        people.append(Person(context, shop))
        return people[-1]

    yield make
    complaints = [complaint for person in people for complaint in person.complaints]
    for person in people:
        person.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def visitor(make_person: MakePerson) -> Person:
    """Somebody who has never been here."""
    return make_person()
