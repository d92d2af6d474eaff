"""Files that go straight from the seller's browser to the storage: processing until proven."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from django_digitalstore.catalog import flows, get_asset_model
from django_digitalstore.catalog.exceptions import NotYourProduct, ProductNotReady
from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.catalog.testing import make_release
from django_digitalstore.core.exceptions import CalledInTransaction
from django_digitalstore.core.jobs import run_due
from tests.catalog.direct_storage import DirectStorage, put
from tests.catalog.test_seller_panel import messages_of
from tests.catalog.test_upload_pages import JSON, address, stored, upload

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.catalog.urls")]

CONTENT = b"a very large file"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ANNOUNCED = {"upload_name": "app.zip", "upload_size": len(CONTENT), "upload_sha256": SHA256}
FIELDS = {"step": "start", "visibility": "owners", "platform": "", "name": "", "position": ""}


@pytest.fixture
def release(bucket, make_product, seller):
    """A release without files, in an empty bucket."""
    product = make_product("Mine", seller=seller, released=False)
    return make_release(product, {}, version="2.0")


@pytest.fixture
def own_file(release):
    return make_release(release.product, {"app.zip": b"old bytes"}).assets.get()


def start(browser: Any, where: str, **fields: Any) -> Any:
    return browser.post(where, {**FIELDS, **ANNOUNCED, **fields}, **JSON)


def send(client: Any, ticket: dict[str, Any], content: bytes = CONTENT) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.post(
        ticket["url"], {**ticket["fields"], "file": SimpleUploadedFile("blob", content)}
    )


def finish(browser: Any, where: str, ticket: dict[str, Any], step: str = "finish") -> Any:
    return browser.post(where, {"step": step, "upload": ticket["upload"]}, **JSON)


def begin(release: Any, **said: Any) -> Any:
    """Begin an upload by the flow, and return its asset."""
    asset = get_asset_model()(release=release, name="app.zip")
    flows.start_upload(asset, **{"size": len(CONTENT), "sha256": SHA256, **said})
    return asset


def grow_old(asset: Any, **ago: float) -> None:
    created_at = timezone.now() - timedelta(**ago)
    get_asset_model().objects.filter(pk=asset.pk).update(created_at=created_at)
    asset.refresh_from_db()


# --- through the page ----------------------------------------------------------------------------


def test_a_file_is_uploaded_straight_to_the_bucket(as_seller, client, release, bucket):
    where = address("seller_asset_create", release)
    answer = start(as_seller, where, platform="Linux")
    assert answer.status_code == 201
    ticket = answer.json()
    asset = release.assets.get()
    assert (asset.name, asset.platform, asset.state) == ("app.zip", "Linux", "processing")
    assert not get_asset_model().objects.for_owners().exists()

    assert send(client, ticket).status_code == 204
    assert not get_asset_model().objects.for_owners().exists()

    done = finish(as_seller, where, ticket)
    assert done.json() == {"location": address("seller_assets", release)}
    assert messages_of(as_seller.get(done.json()["location"])) == ["“app.zip” is uploaded."]
    asset = get_asset_model().objects.for_owners().get()
    assert (asset.size, asset.sha256) == (len(CONTENT), SHA256)
    assert asset.file.read() == CONTENT
    assert stored(bucket) == [asset.file.name]


def test_the_browser_does_not_choose_where_its_file_lies(as_seller, release):
    where = address("seller_asset_create", release)
    ticket = start(as_seller, where, key="assets/mine", upload_name="../../../etc/passwd").json()
    assert ticket["fields"]["key"] == release.assets.get().file.name
    assert "passwd" not in ticket["fields"]["key"]
    assert release.assets.get().name == "passwd"


def test_the_page_says_how_the_script_is_to_send(as_seller, release):
    page = as_seller.get(address("seller_asset_create", release)).content.decode()
    assert 'data-digitalstore-upload="direct"' in page
    assert 'data-max-bytes="2147483648"' in page


def test_without_a_script_the_file_passes_through_the_site(as_seller, release, bucket):
    answer = as_seller.post(address("seller_asset_create", release), upload("app.zip", CONTENT))
    assert answer.status_code == 302
    assert release.assets.get().state == "ready"
    assert stored(bucket) == [release.assets.get().file.name]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"upload_size": 0}, "Ensure this value is greater than or equal to 1."),
        ({"upload_size": 101}, "“app.zip” is too large: a file may have 100\xa0bytes at most."),
        (
            {"upload_name": "app.exe"},
            "Name: “app.exe” can't be uploaded. Choose a file that ends with: .zip.",
        ),
        ({"upload_sha256": ""}, "This field is required."),
        ({"upload_sha256": "A" * 64}, "Enter a valid value."),
        (
            {"visibility": "all"},
            "Select a valid choice. all is not one of the available choices.",
        ),
    ],
)
def test_what_is_not_allowed_gets_no_ticket_and_no_row(as_seller, release, settings, said, error):
    settings.DIGITALSTORE_UPLOAD_MAX_BYTES = 100
    settings.DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip",)
    answer = start(as_seller, address("seller_asset_create", release), **said)
    assert (answer.status_code, answer.json()) == (400, {"errors": [error]})
    assert not release.assets.exists()


@pytest.mark.parametrize("step", ["start", "finish", "cancel"])
def test_a_storage_that_takes_no_uploads_hands_out_no_tickets(
    as_seller, make_product, seller, files, step
):
    release = make_release(make_product("Mine", seller=seller, released=False), {})
    answer = as_seller.post(
        address("seller_asset_create", release), {**FIELDS, **ANNOUNCED, "step": step}, **JSON
    )
    assert answer.json() == {"errors": ["This field is required."]}
    assert not release.assets.exists()


def test_steps_of_another_sellers_upload_are_not_found(client_of, other_seller, release, bucket):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    stranger = client_of(other_seller)
    for step in ("start", "finish", "cancel"):
        fields = {**FIELDS, **ANNOUNCED, "step": step, "upload": asset.pk}
        answer = stranger.post(address("seller_asset_create", release), fields, **JSON)
        assert answer.status_code == 404
    asset.refresh_from_db()
    assert asset.state == "processing"


@pytest.mark.parametrize("token", ["", "x", "0", "9" * 40])
@pytest.mark.parametrize("step", ["finish", "cancel"])
def test_an_upload_that_is_not_there_says_so(as_seller, release, own_file, token, step):
    answer = finish(as_seller, address("seller_asset_create", release), {"upload": token}, step)
    text = "This file was deleted or taken away in the meantime. Upload it again."
    assert (answer.status_code, answer.json()) == (400, {"errors": [text]})


def test_an_upload_of_another_release_is_not_finished_here(as_seller, release, own_file):
    ticket = {"upload": str(own_file.pk)}
    answer = finish(as_seller, address("seller_asset_create", release), ticket, "cancel")
    assert answer.status_code == 400
    assert get_asset_model().objects.filter(pk=own_file.pk).exists()


def test_other_bytes_than_announced_make_the_upload_fail(as_seller, release, bucket):
    where = address("seller_asset_create", release)
    ticket = start(as_seller, where).json()
    put(ticket["fields"]["key"], b"x" * len(CONTENT))
    answer = finish(as_seller, where, ticket)
    text = "Other bytes arrived than were sent. Upload the file again."
    assert (answer.status_code, answer.json()) == (400, {"errors": [text]})
    asset = release.assets.get()
    assert (asset.state, asset.failure) == ("failed", text)
    assert not get_asset_model().objects.for_owners().exists()


def test_a_size_other_than_announced_makes_the_upload_fail(release):
    asset = begin(release)
    put(asset.file.name, CONTENT[:3])
    flows.finish_upload(asset)
    text = "3 bytes arrived instead of 17. Upload the file again."
    assert (asset.state, asset.failure) == ("failed", text)


def test_a_large_upload_is_left_to_the_job_since_checking_it_takes_long(
    as_seller, release, settings, monkeypatch
):
    monkeypatch.setattr("django_digitalstore.catalog.views.files.CHECKED_AT_ONCE", 10)
    where = address("seller_asset_create", release)
    ticket = start(as_seller, where).json()
    put(ticket["fields"]["key"], CONTENT)
    page = as_seller.get(finish(as_seller, where, ticket).json()["location"])
    text = "“app.zip” has arrived. It is being checked before anybody gets it."
    assert messages_of(page) == [text]
    assert release.assets.get().state == "processing"
    flows.finish_uploads()
    assert release.assets.get().state == "ready"


def test_a_cancelled_upload_leaves_nothing(
    as_seller, release, bucket, django_capture_on_commit_callbacks
):
    where = address("seller_asset_create", release)
    ticket = start(as_seller, where).json()
    put(ticket["fields"]["key"], CONTENT)
    with django_capture_on_commit_callbacks(execute=True):
        assert finish(as_seller, where, ticket, "cancel").json() == {}
    assert not release.assets.exists()
    assert stored(bucket) == []


def test_what_is_ready_is_not_cancelled(as_seller, release, own_file):
    where = address("seller_asset_create", own_file.release)
    finish(as_seller, where, {"upload": str(own_file.pk)}, "cancel")
    assert own_file.release.assets.get() == own_file


def test_the_steps_need_their_csrf_token(seller, release):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(seller)
    assert start(browser, address("seller_asset_create", release)).status_code == 403
    assert not release.assets.exists()


# --- replacing -----------------------------------------------------------------------------------


def test_a_replacement_changes_nothing_until_it_is_proven(
    as_seller, client, own_file, bucket, django_capture_on_commit_callbacks
):
    where = address("seller_asset_replace", own_file)
    ticket = start(as_seller, where).json()
    send(client, ticket)
    asset = get_asset_model().objects.for_owners().get(pk=own_file.pk)
    assert asset.file.read() == b"old bytes"
    with django_capture_on_commit_callbacks(execute=True):
        done = finish(as_seller, where, ticket)
    assert done.json() == {"location": address("seller_assets", own_file.release)}
    asset = get_asset_model().objects.for_owners().get(pk=own_file.pk)
    assert (asset.name, asset.sha256, asset.file.read()) == ("app.zip", SHA256, CONTENT)
    assert stored(bucket) == [asset.file.name]
    # In a second tab, or by a second click.
    assert finish(as_seller, where, ticket).json() == done.json()
    assert stored(bucket) == [asset.file.name]


def test_what_the_seller_changes_while_a_replacement_is_looked_at_stays_changed(own_file):
    """A sample that was made private meanwhile must not be public again."""
    assets = get_asset_model().objects
    assets.filter(pk=own_file.pk).update(visibility="sample")
    asset = assets.get(pk=own_file.pk)
    name, _ticket = flows.start_replacement(asset, size=len(CONTENT), sha256=SHA256)
    put(name, CONTENT)
    assets.filter(pk=own_file.pk).update(visibility="owners")
    flows.finish_replacement(asset, name, size=len(CONTENT), sha256=SHA256)
    asset = assets.get(pk=own_file.pk)
    assert (asset.visibility, asset.file.read()) == ("owners", CONTENT)


@pytest.mark.django_db(transaction=True)
def test_a_replacement_that_is_over_while_it_is_looked_at_does_not_come_back(own_file, monkeypatch):
    """A second click, and newer bytes meanwhile: the file must not name what was deleted."""
    assets = get_asset_model().objects
    name, _ticket = flows.start_replacement(own_file, size=len(CONTENT), sha256=SHA256)
    put(name, CONTENT)
    announced = {"size": len(CONTENT), "sha256": SHA256}
    read = DirectStorage.read_upload

    def slow(self, name):
        found = read(self, name)
        monkeypatch.setattr(DirectStorage, "read_upload", read)
        flows.finish_replacement(assets.get(pk=own_file.pk), name, **announced)
        flows.store_file(assets.get(pk=own_file.pk), ContentFile(b"newest", name="app.zip"))
        return found

    monkeypatch.setattr(DirectStorage, "read_upload", slow)
    with pytest.raises(ProductNotReady) as caught:
        flows.finish_replacement(assets.get(pk=own_file.pk), name, **announced)
    assert caught.value.messages == ["This upload is over. Upload the file again."]
    assert assets.get(pk=own_file.pk).file.read() == b"newest"


def test_a_replacement_that_did_not_arrive_or_is_something_else_is_refused(as_seller, own_file):
    where = address("seller_asset_replace", own_file)
    ticket = start(as_seller, where).json()
    answer = finish(as_seller, where, ticket)
    assert answer.json() == {"errors": ["The upload has not arrived."]}
    put(ticket["fields"]["key"], b"y" * len(CONTENT))
    answer = finish(as_seller, where, ticket)
    text = "Other bytes arrived than were sent. Upload the file again."
    assert (answer.status_code, answer.json()) == (400, {"errors": [text]})
    own_file.refresh_from_db()
    assert own_file.file.read() == b"old bytes"


def test_a_replacement_works_for_its_own_file_and_its_own_seller_only(
    as_seller, client, release, own_file, seller
):
    other = make_release(release.product, {"app.zip": b"other bytes"}).assets.get()
    ticket = start(as_seller, address("seller_asset_replace", own_file)).json()
    send(client, ticket)
    tampered = {"upload": ticket["upload"][:-1] + ("A" if ticket["upload"][-1] != "A" else "B")}
    for where, given in [(other, ticket), (own_file, tampered), (own_file, {"upload": ""})]:
        answer = finish(as_seller, address("seller_asset_replace", where), given)
        assert answer.json() == {"errors": ["This upload is over. Upload the file again."]}
    other.refresh_from_db()
    own_file.refresh_from_db()
    assert (own_file.file.read(), other.file.read()) == (b"old bytes", b"other bytes")


def test_a_replacement_is_over_after_the_time_of_uploads(as_seller, client, own_file, settings):
    where = address("seller_asset_replace", own_file)
    ticket = start(as_seller, where).json()
    send(client, ticket)
    settings.DIGITALSTORE_UPLOAD_AGE = timedelta(seconds=-1)
    answer = finish(as_seller, where, ticket)
    assert answer.json() == {"errors": ["This upload is over. Upload the file again."]}


def test_the_object_of_another_file_is_no_replacement(own_file, release):
    other = make_release(release.product, {"b.zip": CONTENT}).assets.get()
    for name in (other.file.name, "incoming/x", "../x"):
        with pytest.raises(ProductNotReady) as raised:
            flows.finish_replacement(own_file, name, size=len(CONTENT), sha256=SHA256)
        assert raised.value.message_dict == {"file": ["This upload belongs to another file."]}


# --- the flows -----------------------------------------------------------------------------------


def test_a_stranger_begins_finishes_cancels_and_deletes_nothing(release, own_file, other_seller):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    new = get_asset_model()(release=release, name="app.zip")
    said = {"size": 1, "sha256": SHA256, "actor": other_seller}
    for attempt in (
        lambda: flows.start_upload(new, **said),
        lambda: flows.finish_upload(asset, actor=other_seller),
        lambda: flows.cancel_upload(asset, actor=other_seller),
        lambda: flows.start_replacement(own_file, **said),
        lambda: flows.finish_replacement(own_file, "assets/x", **said),
        lambda: flows.save_file(own_file, actor=other_seller),
        lambda: flows.delete_file(own_file, actor=other_seller),
    ):
        with pytest.raises(NotYourProduct):
            attempt()
    assert get_asset_model().objects.count() == 2
    asset.refresh_from_db()
    assert asset.state == "processing"


def test_a_ticket_that_cannot_be_made_leaves_no_row(release, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("no credentials")

    monkeypatch.setattr("tests.catalog.direct_storage.DirectStorage.start_upload", fail)
    with pytest.raises(OSError, match="no credentials"):
        begin(release)
    assert not release.assets.exists()


def test_a_direct_upload_says_its_sha256_since_a_ticket_works_more_than_once(release):
    with pytest.raises(ProductNotReady) as raised:
        begin(release, sha256="")
    assert raised.value.message_dict == {"file": ["The SHA-256 of the file is missing."]}


def test_another_storage_takes_no_direct_uploads(files, make_product):
    with pytest.raises(ProductNotReady) as raised:
        begin(make_release(make_product("Local", released=False), {}))
    text = "This storage takes no direct uploads. Upload the file by the form."
    assert raised.value.message_dict == {"file": [text]}


@pytest.mark.django_db(transaction=True)
def test_the_storage_is_never_asked_inside_a_transaction(release):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    with transaction.atomic(), pytest.raises(CalledInTransaction):
        flows.finish_upload(asset)
    with transaction.atomic(), pytest.raises(CalledInTransaction):
        flows.prune_uploads()
    assert flows.finish_upload(asset).is_ready


def test_finishing_twice_changes_nothing(release):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    in_another_tab = get_asset_model().objects.get(pk=asset.pk)
    assert flows.finish_upload(asset).is_ready
    assert flows.finish_upload(in_another_tab).is_ready
    # What is ready is not judged again.
    put(asset.file.name, b"gone bad")
    assert flows.finish_upload(asset).is_ready


def test_finishing_what_was_taken_away_says_so(release):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    late = get_asset_model().objects.get(pk=asset.pk)
    flows.cancel_upload(asset)
    with pytest.raises(ProductNotReady) as raised:
        flows.finish_upload(late)
    text = "This file was deleted or taken away in the meantime. Upload it again."
    assert raised.value.message_dict == {"file": [text]}


def test_what_was_read_of_one_object_says_nothing_about_another(release, monkeypatch):
    """The file is replaced by the form while the storage is asked about the upload."""
    asset = begin(release)
    put(asset.file.name, b"wrong")
    storage = DirectStorage
    read = storage.read_upload

    def while_somebody_is_faster(self, name):
        found = read(self, name)
        fast = get_asset_model().objects.get(pk=asset.pk)
        from django.core.files.base import ContentFile

        flows.store_file(fast, ContentFile(b"by the form", name="app.zip"))
        return found

    monkeypatch.setattr(storage, "read_upload", while_somebody_is_faster)
    assert flows.finish_upload(asset).is_ready
    assert get_asset_model().objects.get(pk=asset.pk).file.read() == b"by the form"


# --- the job -------------------------------------------------------------------------------------


def test_the_job_finishes_what_the_browser_did_not_report(release):
    arrived, under_way, lost, wrong = (begin(release) for _ in range(4))
    put(arrived.file.name, CONTENT)
    put(wrong.file.name, b"wrong")
    grow_old(lost, hours=1, minutes=1)
    grow_old(under_way, minutes=50)
    [result] = run_due(only="catalog.finish_uploads")
    assert result.error == ""
    states = dict(get_asset_model().objects.values_list("pk", "state"))
    assert states == {
        arrived.pk: "ready",
        under_way.pk: "processing",
        lost.pk: "failed",
        wrong.pk: "failed",
    }
    lost.refresh_from_db()
    assert lost.failure == "The upload has not arrived."


def test_a_late_arrival_wins_over_a_failure(release):
    asset = begin(release)
    grow_old(asset, hours=2)
    assert flows.finish_uploads() == flows.Finished(failed=1)
    put(asset.file.name, CONTENT)
    assert flows.finish_uploads() == flows.Finished(ready=1)
    asset.refresh_from_db()
    assert (asset.state, asset.failure) == ("ready", "")


def test_bytes_that_were_wrong_are_not_read_again_by_the_job(release, monkeypatch):
    """They may be gigabytes, and the job runs each minute."""
    asset = begin(release)
    put(asset.file.name, b"wrong")
    assert flows.finish_uploads() == flows.Finished(failed=1)
    looked = []
    read = DirectStorage.read_upload
    monkeypatch.setattr(
        DirectStorage, "read_upload", lambda self, name: looked.append(name) or read(self, name)
    )
    assert flows.finish_uploads() == flows.Finished(failed=1)
    assert looked == []
    # Whoever uploads the right ones after all, and says so, is heard.
    put(asset.file.name, CONTENT)
    assert flows.finish_upload(asset).state == "ready"


def test_one_upload_that_cannot_be_looked_at_does_not_stop_the_others(release, monkeypatch):
    broken, good = begin(release), begin(release)
    put(good.file.name, CONTENT)
    storage = DirectStorage
    read = storage.read_upload

    def fail(self, name):
        if name == broken.file.name:
            raise OSError("timeout")
        return read(self, name)

    monkeypatch.setattr(storage, "read_upload", fail)
    assert flows.finish_uploads() == flows.Finished(ready=1, troubles=1)


def test_a_processing_file_is_in_no_page_of_the_shop(release, client):
    begin(release)
    page = client.get(release.product.get_absolute_url())
    assert "app.zip" not in page.content.decode()


def test_the_folder_is_the_tests_own(bucket: Path, release):
    assert Path(private_storage().location) == bucket  # type: ignore[attr-defined]
