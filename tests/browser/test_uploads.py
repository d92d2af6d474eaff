"""A seller uploads files: with a progress bar, without JavaScript, and straight into a bucket."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from tests import servers

from .conftest import MakePerson, Person, Shop

MIB = 1024**2
SLUG = "the-patient-typographer"


def release_of(shop: Shop, slug: str) -> int:
    return int(
        ask(
            shop,
            "SELECT r.id FROM shop_release r JOIN shop_product p ON p.id = r.product_id "
            "WHERE p.slug = ? ORDER BY r.id DESC LIMIT 1",
            slug,
        )[0][0]
    )


def ask(shop: Shop, sql: str, *values: Any) -> list[Any]:
    [database] = shop.folder.glob("*.sqlite3")
    with sqlite3.connect(database) as connection:
        return connection.execute(sql, values).fetchall()


def asset_named(shop: Shop, name: str) -> list[Any]:
    return ask(shop, "SELECT state, size, sha256 FROM shop_asset WHERE name = ?", name)


def make_file(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    block = hashlib.sha256(name.encode()).digest() * 32
    path.write_bytes((block * (size // len(block) + 1))[:size])
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_form(person: Person, slug: str = SLUG) -> Page:
    person.log_in("ines@example.com")
    page = person.go(f"/seller/releases/{release_of(person.shop, slug)}/files/")
    page.get_by_role("link", name="Add a file").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Add a file to")
    return page


def slow_down(context: BrowserContext, page: Page, speed: float = 2) -> CDPSession:
    """Let uploads have ``speed`` MiB a second, at most."""
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    set_speed(cdp, speed)
    return cdp


def set_speed(cdp: CDPSession, speed: float) -> None:
    given = {"offline": False, "latency": 5, "downloadThroughput": -1}
    cdp.send("Network.emulateNetworkConditions", {**given, "uploadThroughput": speed * MIB})


def wait_for_progress(page: Page, percent: int) -> None:
    bar = page.get_by_role("progressbar")
    for _look in range(100):
        if bar.evaluate("bar => bar.value") >= percent:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"The upload did not reach {percent} %.")


def test_a_seller_watches_a_file_being_uploaded(make_person: MakePerson, tmp_path: Path) -> None:
    seller = make_person()
    file = make_file(tmp_path, "sources.zip", 6 * MIB)
    page = open_form(seller)
    seller.look("seller-file-new")
    line = slow_down(seller.context, page, 0.25)
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Platform").fill("All")
    page.get_by_role("button", name="Upload", exact=True).click()
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Uploading: ")).to_be_visible()
    wait_for_progress(page, 10)
    seller.look("seller-file-uploading")
    expect(bar).to_be_visible()
    set_speed(line, 100)
    expect(page.get_by_role("row").filter(has_text="sources.zip")).to_contain_text("Ready")
    expect(page.get_by_role("main")).to_contain_text("“sources.zip” is uploaded.")
    seller.look("seller-files")
    assert asset_named(seller.shop, "sources.zip") == [("ready", 6 * MIB, digest(file))]


def test_an_upload_is_cancelled_and_leaves_nothing(make_person: MakePerson, tmp_path: Path) -> None:
    seller = make_person()
    page = open_form(seller)
    slow_down(seller.context, page)
    page.get_by_label("File").set_input_files(make_file(tmp_path, "cancelled.zip", 8 * MIB))
    page.get_by_role("button", name="Upload", exact=True).click()
    wait_for_progress(page, 5)
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_role("status").filter(has_text="cancelled")).to_have_text(
        "The upload was cancelled. Nothing was kept."
    )
    expect(page.get_by_role("progressbar")).to_be_hidden()
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_enabled()
    assert asset_named(seller.shop, "cancelled.zip") == []
    incoming = seller.shop.folder.rglob("*.upload")
    page.wait_for_timeout(500)
    assert list(incoming) == []


def test_what_the_site_refuses_is_said_on_the_page(make_person: MakePerson, tmp_path: Path) -> None:
    seller = make_person()
    page = open_form(seller)
    page.get_by_label("File").set_input_files(make_file(tmp_path, "empty.zip", 0))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("The submitted file is empty.")
    seller.look("seller-file-refused")
    # The script knows the limit, and sends nothing.
    page.locator("form[data-max-bytes]").evaluate("form => { form.dataset.maxBytes = 10; }")
    page.get_by_label("File").set_input_files(make_file(tmp_path, "large.zip", 11))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This file is too large")
    seller.complaints = [c for c in seller.complaints if "status of 400" not in c]


def test_everything_works_without_javascript(
    make_person: MakePerson, tmp_path: Path, shop: Shop
) -> None:
    seller = make_person(java_script_enabled=False)
    file = make_file(tmp_path, "plain.zip", 100_000)
    page = open_form(seller, "the-patient-typographer")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("“plain.zip” is uploaded.")
    assert asset_named(shop, "plain.zip") == [("ready", 100_000, digest(file))]

    page.get_by_role("link", name="plain.zip", exact=True).click()
    page.get_by_label("Name").fill("simple.zip")
    page.get_by_label("For whom").select_option("sample")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="simple.zip")).to_contain_text("sample")

    other = make_file(tmp_path, "other.zip", 50_000)
    page.get_by_role("link", name="Replace simple.zip").click()
    page.get_by_label("New file").set_input_files(other)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("“simple.zip” is replaced.")
    assert asset_named(shop, "simple.zip") == [("ready", 50_000, digest(other))]

    page.get_by_role("link", name="Delete simple.zip").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("main")).to_contain_text("“simple.zip” is deleted.")
    assert asset_named(shop, "simple.zip") == []


def test_the_pages_of_a_file_are_looked_at(make_person: MakePerson, tmp_path: Path) -> None:
    seller = make_person()
    page = open_form(seller)
    page.get_by_label("File").set_input_files(make_file(tmp_path, "looked-at.zip", 100))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="looked-at.zip", exact=True).click()
    seller.look("seller-file-edit")
    page.go_back()
    page.get_by_role("link", name="Replace looked-at.zip").click()
    seller.look("seller-file-replace")
    page.go_back()
    page.get_by_role("link", name="Delete looked-at.zip").click()
    seller.look("seller-file-delete")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("main")).to_contain_text("“looked-at.zip” is deleted.")


def test_the_browsers_sha256_is_that_of_everybody_else(make_person: MakePerson) -> None:
    seller = make_person()
    page = open_form(seller)
    page.wait_for_load_state("load")  # the script is deferred
    for size in (0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 4 * MIB + 1):
        found = page.evaluate(
            "size => digitalstoreSha256(Uint8Array.from({length: size}, (_, i) => i % 251))", size
        )
        expected = bytes(i % 251 for i in range(size))
        assert found == hashlib.sha256(expected).hexdigest(), size


# --- straight into a bucket ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        servers.find_weed()
    except servers.ServerMissing as missing:
        pytest.skip(str(missing))
    with servers.s3(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(scope="module")
def bucket_shop(tmp_path_factory: pytest.TempPathFactory, bucket_url: str) -> Iterator[Shop]:
    """A shop whose files lie in a bucket that allows its origin."""
    yield from Shop(tmp_path_factory.mktemp("bucket-shop"), bucket_url).serve()


def test_a_file_goes_straight_into_the_bucket(
    bucket_shop: Shop, bucket_url: str, browser: Browser, tmp_path: Path
) -> None:
    shop = bucket_shop
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(15_000)
    seller = Person(context, shop)
    sent: list[tuple[str, str]] = []
    context.on("request", lambda request: sent.append((request.method, request.url)))
    allow_origin(bucket_url, shop.url)
    file = make_file(tmp_path, "huge.zip", 9 * MIB)
    page = open_form(seller)
    slow_down(context, page)
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Uploading: ")).to_be_visible()
    wait_for_progress(page, 10)
    assert asset_named(shop, "huge.zip")[0][0] == "processing"
    expect(page.get_by_role("main")).to_contain_text("“huge.zip” is uploaded.")
    assert asset_named(shop, "huge.zip") == [("ready", 9 * MIB, digest(file))]
    posts = [url for method, url in sent if method == "POST" and "/accounts/" not in url]
    assert len(posts) == 3
    assert [url.startswith(shop.url) for url in posts] == [True, False, True]

    page.get_by_role("link", name="Replace huge.zip").click()
    other = make_file(tmp_path, "smaller.zip", 1000)
    page.get_by_label("New file").set_input_files(other)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("“huge.zip” is replaced.")
    assert asset_named(shop, "huge.zip") == [("ready", 1000, digest(other))]

    # Cancelled on its way to the bucket: the row goes again.
    page.get_by_role("link", name="Add a file").click()
    page.get_by_label("File").set_input_files(make_file(tmp_path, "gone.zip", 9 * MIB))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Uploading: ")).to_be_visible()
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_role("status").filter(has_text="cancelled")).to_be_visible()
    page.wait_for_timeout(500)
    assert asset_named(shop, "gone.zip") == []
    assert seller.complaints == []
    assert re.match(r"https?://", bucket_url)
    context.close()


def allow_origin(bucket_url: str, origin: str) -> None:
    """Let pages of the shop send files to the bucket, as the how-to says."""
    from urllib.parse import urlsplit

    import boto3

    parts = urlsplit(bucket_url)
    client = boto3.client(
        "s3",
        endpoint_url=f"{parts.scheme}://{parts.hostname}:{parts.port}",
        aws_access_key_id=parts.username,
        aws_secret_access_key=parts.password,
        region_name="us-east-1",
    )
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["POST"], "AllowedHeaders": ["*"]}
    client.put_bucket_cors(Bucket=parts.path.strip("/"), CORSConfiguration={"CORSRules": [rule]})
