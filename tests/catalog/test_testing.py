"""What hosts' tests take from the catalog: people, things for sale, and a place for their files."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.catalog.testing import files_in, make_product, make_release, make_seller

pytestmark = pytest.mark.django_db


def test_the_sold_files_of_a_block_lie_in_its_folder(tmp_path: Path) -> None:
    before = settings.STORAGES
    with files_in(tmp_path / "sold") as folder:
        asset = make_release(make_product(), {"book.txt": b"words"}).assets.get()
        assert (tmp_path / "sold" / asset.file.name).read_bytes() == b"words"
        others = {name for name in before if name != settings.DIGITALSTORE_STORAGE}
        assert all(settings.STORAGES[name] == before[name] for name in others)
    assert folder == tmp_path / "sold"
    assert before == settings.STORAGES
    assert not private_storage().exists(asset.file.name)


def test_without_a_folder_they_go_when_the_block_ends() -> None:
    with files_in() as folder:
        make_release(make_product())
        assert any(folder.rglob("*.txt"))
    assert not folder.exists()


def test_a_seller_is_made_with_the_fields_that_a_user_model_wants() -> None:
    assert make_seller(is_staff=True).is_staff


def test_what_was_given_and_is_wrong_is_refused_by_the_flow() -> None:
    with pytest.raises(ProductNotReady) as refused:
        make_product("")
    assert list(refused.value.message_dict) == ["title"]
