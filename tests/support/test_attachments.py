"""Files of messages: what is taken, where it lies, and who gets it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from django_digitalstore.catalog.fields import PrivateFileHasNoUrl
from django_digitalstore.catalog.testing import files_in
from django_digitalstore.support import flows, get_support_attachment_model, policies
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport
from django_digitalstore.support.testing import offer_support, open_request

pytestmark = pytest.mark.django_db

KINDS = "csv, gif, jpeg, jpg, json, log, md, pdf, png, txt, webp, zip"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Any:
    with files_in(tmp_path / "private") as folder:
        yield folder


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "support").rglob("*") if path.is_file())


def text(name: str = "log.txt", content: bytes = b"it broke") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_a_file_is_kept_in_the_private_storage(owner: Any, supported: Any, folder: Path) -> None:
    request = open_request(owner, supported, files=[text("C:\\logs\\my log.TXT"), text("b.log")])
    first, second = request.messages.get().attachments.all()
    assert (first.name, first.size) == ("my log.TXT", 8)
    assert first.sha256 == hashlib.sha256(b"it broke").hexdigest()
    assert (first.position, second.position) == (0, 1)
    assert first.file.read() == b"it broke"
    # Nothing of the stored name comes from the request.
    assert first.file.name.startswith("support/")
    assert "log" not in first.file.name
    assert first.file.name.endswith(".txt")
    assert len(stored(folder)) == 2


def test_a_file_has_no_url(owner: Any, supported: Any) -> None:
    open_request(owner, supported, files=[text()])
    attachment = get_support_attachment_model().objects.get()
    with pytest.raises(PrivateFileHasNoUrl) as stopped:
        _ = attachment.file.url
    assert str(stopped.value) == (
        "shop.SupportAttachment.file.url: a file of a support message has no URL, since whoever "
        "has the URL has the file. Give it out by a view that asks "
        "support.policies.can_download(user, attachment)."
    )


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([text(f"{n}.txt") for n in range(6)], "Attach at most 5 files."),
        ([text("big.txt", b"x" * 101)], "“big.txt” is too large: attach at most 100\xa0bytes."),
        ([text("empty.txt", b"")], "“empty.txt” is empty."),
        ([text("page.html")], f"“page.html” is of a kind that is not taken. These are: {KINDS}."),
        ([text("image.svg")], f"“image.svg” is of a kind that is not taken. These are: {KINDS}."),
        ([text("a.txt.exe")], f"“a.txt.exe” is of a kind that is not taken. These are: {KINDS}."),
        ([text("plain")], f"“plain” is of a kind that is not taken. These are: {KINDS}."),
        ([ContentFile(b"x", name="...")], "A file needs a name."),
    ],
)
def test_what_is_not_taken_leaves_nothing_behind(
    owner: Any, supported: Any, folder: Path, files: list[Any], said: str
) -> None:
    with (
        override_settings(DIGITALSTORE_SUPPORT_ATTACHMENT_MAX_BYTES=100),
        pytest.raises(InvalidSupport) as stopped,
    ):
        open_request(owner, supported, files=files)
    assert stopped.value.message_dict == {"files": [said]}
    assert stored(folder) == []
    assert not policies.has_active_support_request(owner, supported)


def test_a_site_may_take_all_kinds(owner: Any, supported: Any) -> None:
    with override_settings(DIGITALSTORE_SUPPORT_ATTACHMENT_EXTENSIONS=None):
        open_request(owner, supported, files=[text("core.dump")])
    assert get_support_attachment_model().objects.get().name == "core.dump"


def test_a_name_that_hides_what_it_is_does_not(owner: Any, supported: Any) -> None:
    with pytest.raises(InvalidSupport):
        open_request(owner, supported, files=[text("book\u202efdp.exe")])


def test_a_refused_request_leaves_no_file(customer: Any, supported: Any, folder: Path) -> None:
    with pytest.raises(NoSupport):
        open_request(customer, supported, files=[text()])
    assert stored(folder) == []


def test_a_double_click_keeps_one_file(owner: Any, product: Any, folder: Path) -> None:
    offer_support(product, included_requests=1)
    for _ in range(2):
        request = open_request(owner, product, files=[text()], key="form-1")
    for _ in range(2):
        flows.reply(request, author=owner, body="more", files=[text()], key="form-2")
    assert len(stored(folder)) == get_support_attachment_model().objects.count() == 2


def test_a_transaction_that_fails_leaves_no_file(
    owner: Any, supported: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A notifier that nobody can be told by: its outbox key would be too long.
    with override_settings(DIGITALSTORE_SUPPORT_NOTIFIERS=[42]), pytest.raises(AttributeError):
        open_request(owner, supported, files=[text()])
    assert stored(folder) == []
    assert not policies.has_active_support_request(owner, supported)


def test_each_side_has_the_files_of_what_it_may_read(
    owner: Any,
    supported: Any,
    seller: Any,
    other_seller: Any,
    other_customer: Any,
    superuser: Any,
    staff: Any,
) -> None:
    request = open_request(owner, supported, files=[text("question.txt")])
    flows.reply(request, author=seller, body="see", files=[text("answer.txt")])
    flows.add_note(request, author=seller, body="psst", files=[text("note.txt")])
    public, all_of_them = {"question.txt", "answer.txt"}, {"question.txt", "answer.txt", "note.txt"}
    expected = {
        owner: public,
        seller: all_of_them,
        superuser: all_of_them,
        other_seller: set(),
        other_customer: set(),
        staff: set(),
    }
    for user, names in expected.items():
        files = get_support_attachment_model().objects.all()
        assert {f.name for f in files if policies.can_download(user, f)} == names
        assert {f.name for f in policies.attachments_for(user, request)} == names


def test_who_is_not_logged_in_has_none(owner: Any, supported: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    open_request(owner, supported, files=[text()])
    assert not policies.can_download(AnonymousUser(), get_support_attachment_model().objects.get())
