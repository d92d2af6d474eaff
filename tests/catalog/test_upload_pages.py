"""A seller uploads the files of a release: through the site, within the limits of the settings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_digitalstore.catalog import flows, get_asset_model, get_release_model
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.forms import AssetReplaceForm
from django_digitalstore.catalog.testing import make_release
from tests.catalog.shop import STORE
from tests.catalog.test_seller_panel import messages_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.catalog.urls"),
    pytest.mark.usefixtures("files"),
]

OF_RELEASE = ["seller_assets", "seller_asset_create"]
OF_FILE = ["seller_asset_update", "seller_asset_replace", "seller_asset_delete"]
JSON = {"headers": {"Accept": "application/json"}}


def address(page: str, row: Any) -> str:
    return reverse(f"{STORE}:{page}", kwargs={"pk": getattr(row, "pk", row)})


def stored(folder: Path) -> list[str]:
    """Return every file of the private storage, also those under way."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def upload(
    file_name: str = "book.epub", content: bytes = b"words", /, **fields: Any
) -> dict[str, Any]:
    return {
        "file": SimpleUploadedFile(file_name, content),
        "visibility": "owners",
        "platform": "",
        "name": "",
        "position": "",
        **fields,
    }


@pytest.fixture
def release(files, make_product, seller):
    """A release without files, in an empty storage."""
    product = make_product("Mine", seller=seller, released=False)
    return make_release(product, {}, version="2.0")


@pytest.fixture
def own_file(release):
    return make_release(release.product, {"book.epub": b"old words"}).assets.get()


@pytest.fixture
def foreign_file(files, make_product, other_seller):
    product = make_product("Foreign", seller=other_seller, released=False)
    return make_release(product, {"secret.epub": b"secret"}).assets.get()


def of(page: str, asset: Any) -> str:
    return address(page, asset.release if page in OF_RELEASE else asset)


# --- who may come in -----------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*OF_RELEASE, *OF_FILE])
def test_a_visitor_logs_in_and_comes_back(client, own_file, page):
    answer = client.get(of(page, own_file))
    assert answer["Location"] == f"/accounts/login/?next={of(page, own_file)}"


@pytest.mark.parametrize("page", [*OF_RELEASE, *OF_FILE])
def test_a_customer_is_refused(client_of, customer, own_file, page):
    assert client_of(customer).get(of(page, own_file)).status_code == 403


@pytest.mark.parametrize("page", [*OF_RELEASE, *OF_FILE])
def test_another_sellers_files_do_not_exist(as_seller, files, foreign_file, page):
    before = stored(files)
    assert as_seller.get(of(page, foreign_file)).status_code == 404
    # The list takes no POST at all.
    refused = 405 if page == "seller_assets" else 404
    assert as_seller.post(of(page, foreign_file), upload(name="mine.epub")).status_code == refused
    foreign_file.refresh_from_db()
    assert (foreign_file.name, foreign_file.file.read()) == ("secret.epub", b"secret")
    assert foreign_file.release.assets.count() == 1
    assert stored(files) == before


@pytest.mark.parametrize("pk", ["0", "x", "9" * 40])
@pytest.mark.parametrize("page", [*OF_RELEASE, *OF_FILE])
def test_nonsense_in_an_address_is_not_found(as_seller, page, pk):
    assert as_seller.get(address(page, pk)).status_code == 404


def test_what_is_refused_is_refused_before_its_bytes_are_read(client_of, customer, release, files):
    """Whoever may not upload doesn't fill the disk meanwhile."""
    read = []

    class Body(SimpleUploadedFile):
        def read(self, *args: Any) -> bytes:
            read.append(1)
            return super().read(*args)

    browser = client_of(customer)
    answer = browser.generic(
        "POST",
        address("seller_asset_create", release),
        content_type="multipart/form-data; boundary=x",
        **{"wsgi.input": Body("body", b"--x\r\n"), "CONTENT_LENGTH": "5"},
    )
    assert (answer.status_code, read) == (403, [])


@pytest.mark.parametrize("page", ["seller_asset_create", "seller_asset_replace"])
@pytest.mark.parametrize("token", [{}, {"csrfmiddlewaretoken": "x" * 32}])
def test_an_upload_without_its_csrf_token_is_refused_and_leaves_nothing(
    seller, own_file, files, page, token
):
    before = stored(files)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(seller)
    answer = browser.post(of(page, own_file), upload(**token))
    assert answer.status_code == 403
    assert own_file.release.assets.get().file.read() == b"old words"
    assert stored(files) == before


def test_an_upload_with_its_csrf_token_is_taken(seller, release):
    browser = Client(enforce_csrf_checks=True, headers={"host": "testserver"})
    browser.force_login(seller)
    page = browser.get(address("seller_asset_create", release))
    token = str(page.context["csrf_token"])
    answer = browser.post(
        address("seller_asset_create", release), upload(csrfmiddlewaretoken=token)
    )
    assert answer.status_code == 302
    assert release.assets.count() == 1


# --- uploading -----------------------------------------------------------------------------------


def test_a_file_gets_its_size_its_hash_and_a_name_that_the_server_chose(as_seller, release, files):
    content = b"chapter one\n" * 100_000
    answer = as_seller.post(
        address("seller_asset_create", release),
        upload("../../My book.EPUB", content, platform="all", position="3"),
        follow=True,
    )
    assert messages_of(answer) == ["“My book.EPUB” is uploaded."]
    asset = release.assets.get()
    assert (asset.name, asset.platform, asset.position) == ("My book.EPUB", "all", 3)
    assert (asset.state, asset.visibility) == ("ready", "owners")
    assert (asset.size, asset.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    # Nothing else is left: the upload was moved, not copied.
    assert stored(files) == [asset.file.name]
    assert asset.file.name.startswith("assets/")
    assert asset.file.name.endswith(".epub")
    assert "book" not in asset.file.name.lower()


def test_a_release_has_a_file_for_each_platform(as_seller, release):
    for platform in ("Windows", "macOS", "Linux"):
        fields = upload("app.zip", platform.encode(), platform=platform, name=f"app-{platform}.zip")
        as_seller.post(address("seller_asset_create", release), fields)
    named = release.assets.values_list("name", "platform")
    assert set(named) == {
        ("app-Windows.zip", "Windows"),
        ("app-macOS.zip", "macOS"),
        ("app-Linux.zip", "Linux"),
    }


def test_a_sample_is_for_everybody(as_seller, release):
    as_seller.post(address("seller_asset_create", release), upload(visibility="sample"))
    assert list(get_asset_model().objects.samples()) == [release.assets.get()]


def test_state_release_and_hash_are_no_fields_of_the_form(as_seller, release, foreign_file):
    fields = upload(state="failed", sha256="0" * 64, size="1", release=foreign_file.release.pk)
    as_seller.post(address("seller_asset_create", release), fields)
    asset = release.assets.get()
    assert (asset.state, asset.size) == ("ready", 5)
    assert foreign_file.release.assets.count() == 1


def test_a_form_without_a_file_says_so(as_seller, release, files):
    answer = as_seller.post(address("seller_asset_create", release), upload(file=""))
    assert answer.context["form"].errors == {"file": ["This field is required."]}
    answer = as_seller.post(address("seller_asset_create", release), upload("book.epub", b""))
    assert answer.context["form"].errors == {"file": ["The submitted file is empty."]}
    assert not release.assets.exists()


def test_the_script_of_the_page_is_answered_in_json(as_seller, release):
    where = address("seller_asset_create", release)
    answer = as_seller.post(where, upload(), **JSON)
    assert answer.json() == {"location": address("seller_assets", release)}
    answer = as_seller.post(where, upload(file="", visibility="nobody"), **JSON)
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [
            "This field is required.",
            "Select a valid choice. nobody is not one of the available choices.",
        ]
    }


# --- limits --------------------------------------------------------------------------------------


def test_a_file_of_just_the_limit_is_taken(as_seller, release, settings):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 200_000
    fields = upload("book.epub", b"x" * 200_000)
    assert as_seller.post(address("seller_asset_create", release), fields).status_code == 302
    assert release.assets.get().size == 200_000


@pytest.mark.parametrize("size", [200_001, 390_000, 3_000_000])
def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    as_seller, release, settings, files, size
):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 200_000
    answer = as_seller.post(
        address("seller_asset_create", release), upload("book.epub", b"x" * size, platform="kept")
    )
    assert answer.status_code == 413
    form = answer.context["form"]
    assert form.errors == {
        "file": ["“book.epub” is too large: a file may have 195.3\xa0KB at most."]
    }
    assert not release.assets.exists()
    assert stored(files) == []


def test_no_byte_beyond_the_limit_is_written(as_seller, release, settings, files, monkeypatch):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 100_000
    written = []
    from django_digitalstore.catalog.upload_handler import MeasuredFile

    class Counted(MeasuredFile):
        def write(self, data: bytes) -> int:
            written.append(len(data))
            return self.file.write(data)

    monkeypatch.setattr("django_digitalstore.catalog.upload_handler.MeasuredFile", Counted)
    as_seller.post(address("seller_asset_create", release), upload("book.epub", b"x" * 190_000))
    assert 0 < sum(written) <= 100_000


def test_the_limit_is_for_all_files_of_a_request_together(as_seller, release, settings, files):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 100_000
    fields = upload("book.epub", b"x" * 60_000, other=SimpleUploadedFile("b.epub", b"x" * 60_000))
    answer = as_seller.post(address("seller_asset_create", release), fields)
    assert answer.status_code == 413
    assert stored(files) == []


@pytest.mark.parametrize("name", ["book.exe", "book", "book.zip.exe", "zip", "book.gz"])
def test_an_extension_that_is_not_allowed_is_refused_and_leaves_nothing(
    as_seller, release, settings, files, name
):
    settings.DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip", ".PDF", "tar.gz")
    answer = as_seller.post(address("seller_asset_create", release), upload(name))
    assert answer.status_code == 400
    assert answer.context["form"].errors == {
        "file": [f"“{name}” can't be uploaded. Choose a file that ends with: .zip, .PDF, .tar.gz."]
    }
    assert stored(files) == []


@pytest.mark.parametrize("name", ["a.zip", "a.ZIP", "a.pdf", "a.tar.gz"])
def test_an_extension_that_is_allowed_is_taken(as_seller, release, settings, name):
    settings.DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip", ".PDF", "tar.gz")
    assert as_seller.post(address("seller_asset_create", release), upload(name)).status_code == 302


@pytest.mark.parametrize("page", ["seller_asset_create", "seller_asset_update"])
def test_a_name_does_not_go_around_the_extensions(as_seller, own_file, settings, page):
    settings.DIGITALSTORE_UPLOAD_EXTENSIONS = ("epub",)
    answer = as_seller.post(of(page, own_file), upload(name="book.exe"))
    assert answer.status_code == 200
    assert "can&#x27;t be uploaded" in answer.content.decode()
    assert get_asset_model().objects.filter(name="book.exe").count() == 0


def test_the_page_says_the_limits(as_seller, release, settings):
    settings.DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip", ".pdf")
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 5 * 2**20
    text = as_seller.get(address("seller_asset_create", release)).content.decode()
    assert "At most 5.0\xa0MB." in text
    assert "Files that end with: .zip, .pdf." in text


def test_a_form_that_the_sites_middleware_read_before_keeps_the_limits(
    seller, release, settings, files
):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 100_000
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.catalog.test_upload_pages.reads_the_form"]
    browser = Client()
    browser.force_login(seller)
    answer = browser.post(
        address("seller_asset_create", release), upload("book.epub", b"x" * 100_001)
    )
    assert answer.context["form"].errors == {
        "file": ["“book.epub” is too large: a file may have 97.7\xa0KB at most."]
    }
    assert not release.assets.exists()
    assert browser.post(address("seller_asset_create", release), upload()).status_code == 302
    assert release.assets.get().file.read() == b"words"


def reads_the_form(get_response):
    def middleware(request):
        assert request.POST is not None
        return get_response(request)

    return middleware


def test_an_upload_that_breaks_off_leaves_nothing(as_seller, release, files):
    """The connection ends in the middle of the file."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="visibility"\r\n\r\nowners\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.epub"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    )
    answer = as_seller.generic(
        "POST",
        address("seller_asset_create", release),
        data=head + b"w" * 300_000,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.context["form"].errors == {"file": ["This field is required."]}
    assert stored(files) == []


# --- replacing, naming, deleting -----------------------------------------------------------------


def test_a_file_is_replaced_under_its_name(
    as_seller, own_file, files, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_seller.post(
            address("seller_asset_replace", own_file), upload("2.epub", b"new"), follow=True
        )
    assert messages_of(answer) == ["“book.epub” is replaced."]
    asset = get_asset_model().objects.get(pk=own_file.pk)
    assert (asset.name, asset.size, asset.file.read()) == ("book.epub", 3, b"new")
    assert asset.sha256 == hashlib.sha256(b"new").hexdigest() != own_file.sha256
    # What a download says of itself, ETag and Last-Modified, follows the bytes.
    assert asset.created_at > own_file.created_at
    assert stored(files) == [asset.file.name]


def test_what_the_seller_changes_while_a_replacement_comes_in_stays_changed(
    own_file, seller, django_capture_on_commit_callbacks
):
    """A sample that was made private meanwhile must not be public again."""
    assets = get_asset_model().objects
    assets.filter(pk=own_file.pk).update(visibility="sample")
    form = AssetReplaceForm(
        data={},
        files={"file": SimpleUploadedFile("book.epub", b"new")},
        instance=assets.get(pk=own_file.pk),
        seller=seller,
    )
    assert form.is_valid()
    assets.filter(pk=own_file.pk).update(visibility="owners", name="Chapter 1.epub", platform="Web")
    with django_capture_on_commit_callbacks(execute=True):
        replaced = form.save()
    asset = assets.get(pk=own_file.pk)
    assert (asset.visibility, asset.name, asset.platform) == ("owners", "Chapter 1.epub", "Web")
    assert (asset.size, asset.file.read()) == (3, b"new")
    assert (replaced.visibility, replaced.name) == ("owners", "Chapter 1.epub")


def test_a_file_that_goes_while_it_is_renamed_is_said_to_be_gone(own_file, seller):
    asset = get_asset_model().objects.get(pk=own_file.pk)
    flows.delete_file(own_file)
    with pytest.raises(ProductNotReady) as caught:
        flows.save_file(asset, actor=seller)
    assert caught.value.messages == [
        "This file was deleted or taken away in the meantime. Upload it again."
    ]


def test_a_file_is_not_replaced_by_one_of_another_kind(as_seller, own_file):
    answer = as_seller.post(address("seller_asset_replace", own_file), upload("book.pdf"))
    assert answer.context["form"].errors == {
        "file": ["“book.pdf” is of another kind than “book.epub”. Add it as a file of its own."]
    }
    own_file.refresh_from_db()
    assert own_file.file.read() == b"old words"


def test_a_file_is_renamed_without_touching_its_bytes(as_seller, own_file):
    fields = {"name": "a/New name.epub", "platform": "e-readers", "visibility": "sample"}
    answer = as_seller.post(address("seller_asset_update", own_file), fields, follow=True)
    assert messages_of(answer) == ["“New name.epub” is saved."]
    asset = get_asset_model().objects.get(pk=own_file.pk)
    assert (asset.name, asset.platform, asset.visibility) == (
        "New name.epub",
        "e-readers",
        "sample",
    )
    assert (asset.file.name, asset.sha256) == (own_file.file.name, own_file.sha256)


def test_a_file_is_deleted_after_the_question(
    as_seller, own_file, files, django_capture_on_commit_callbacks
):
    question = as_seller.get(address("seller_asset_delete", own_file)).content.decode()
    assert "who owns the product can't download the file any more" in question
    assert own_file.file.storage.exists(own_file.file.name)
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_seller.post(address("seller_asset_delete", own_file), follow=True)
    assert messages_of(answer) == ["“book.epub” is deleted."]
    assert not get_asset_model().objects.filter(pk=own_file.pk).exists()
    assert stored(files) == []


def test_the_list_shows_where_each_file_stands(as_seller, own_file):
    model = get_asset_model()
    common = {"release": own_file.release, "file": "assets/aa/x.zip"}
    model.objects.create(name="a.zip", state="processing", **common)
    model.objects.create(name="b.zip", state="failed", failure="3 bytes arrived.", **common)
    page = as_seller.get(address("seller_assets", own_file.release))
    assert [row["asset"].name for row in page.context["rows"]] == ["book.epub", "a.zip", "b.zip"]
    text = page.content.decode()
    assert "Ready</span>" in text
    assert "Processing</span>" in text
    assert 'Failed</span><p class="ds-meta">3 bytes arrived.</p>' in text
    assert "x.zip" not in text


def test_the_list_takes_as_many_queries_for_1_and_20_files(as_seller, release):
    counts = []
    for total in (1, 20):
        for index in range(release.assets.count(), total):
            get_asset_model().objects.create(release=release, name=f"{index}.zip", file="a/x.zip")
        with CaptureQueriesContext(connection) as queries:
            page = as_seller.get(address("seller_assets", release))
        assert len(page.context["rows"]) == total
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_release_of_another_product_of_the_seller_keeps_its_files(as_seller, own_file, release):
    assert list(as_seller.get(address("seller_assets", release)).context["assets"]) == []
    assert get_release_model().objects.filter(assets=own_file).get() != release
