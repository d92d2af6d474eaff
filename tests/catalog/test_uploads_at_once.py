"""Uploads in two tabs, and the job between them: at the same moment, on real connections."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core.files.base import ContentFile

from django_digitalstore.catalog import flows, get_asset_model
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.testing import make_release
from tests.catalog.direct_storage import put
from tests.catalog.test_direct_uploads import CONTENT, begin, grow_old
from tests.catalog.test_upload_pages import stored

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
]


@pytest.fixture
def release(shared_database, bucket, make_product):
    return make_release(make_product("Mine", released=False), {}, version="2.0")


def again(asset: Any) -> Any:
    return get_asset_model().objects.get(pk=asset.pk)


def test_an_upload_that_is_finished_in_five_tabs_is_ready(release, bucket, at_once):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    answers = at_once(*(partial(flows.finish_upload, again(asset)) for _ in range(5)))
    assert [answer.state for answer in answers] == ["ready"] * 5
    assert stored(bucket) == [asset.file.name]


def test_of_five_replacements_at_once_one_stays_and_leaves_no_other_object(
    release, bucket, at_once
):
    asset = make_release(release.product, {"a.zip": b"old"}).assets.get()
    answers = at_once(
        *(
            partial(flows.store_file, again(asset), ContentFile(b"%d" % number, name="a.zip"))
            for number in range(5)
        )
    )
    assert [type(answer) for answer in answers] == [get_asset_model()] * 5
    asset = again(asset)
    assert stored(bucket) == [asset.file.name]
    assert asset.file.read() in {b"0", b"1", b"2", b"3", b"4"}


def test_finishing_and_pruning_at_once_leave_a_ready_file_or_nothing(release, bucket, at_once):
    for _round in range(5):
        asset = begin(release)
        put(asset.file.name, CONTENT)
        grow_old(asset, hours=25)
        finished, pruned = at_once(partial(flows.finish_upload, again(asset)), flows.prune_uploads)
        left = get_asset_model().objects.filter(pk=asset.pk).first()
        if left is None:
            assert isinstance(finished, ProductNotReady)
            assert pruned.assets == 1
            assert stored(bucket) == []
        else:
            assert left.state == "ready"
            assert pruned.assets == 0
            assert stored(bucket) == [left.file.name]
            flows.delete_file(left)


def test_replacing_and_deleting_at_once_leave_no_object_without_its_row(release, bucket, at_once):
    for _round in range(5):
        asset = make_release(release.product, {"a.zip": b"old"}).assets.get()
        replaced, deleted = at_once(
            partial(flows.store_file, again(asset), ContentFile(b"new", name="a.zip")),
            partial(flows.delete_file, again(asset)),
        )
        assert deleted is None
        assert isinstance(replaced, get_asset_model() | ProductNotReady)
        assert stored(bucket) == []
        assert not get_asset_model().objects.filter(pk=asset.pk).exists()
