"""What uploads leave that were not completed is taken away, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import Storage
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from django_digitalstore.catalog import flows, get_asset_model
from django_digitalstore.catalog.flows import uploads
from django_digitalstore.catalog.storage import private_storage
from django_digitalstore.catalog.testing import make_release
from django_digitalstore.core.jobs import run_due
from tests.catalog.direct_storage import DirectStorage, put
from tests.catalog.test_direct_uploads import CONTENT, begin, grow_old
from tests.catalog.test_upload_pages import stored

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture
def release(bucket, make_product, seller):
    return make_release(make_product("Mine", seller=seller, released=False), {}, version="2.0")


@pytest.fixture
def sold(release):
    """A file that owners have, older than any upload may be."""
    asset = make_release(release.product, {"app.zip": b"sold"}).assets.get()
    age(asset.file.name, hours=1000)
    grow_old(asset, hours=1000)
    return asset


def age(name: str, *, hours: float) -> str:
    written = time.time() - hours * HOUR
    os.utime(private_storage().path(name), (written, written))
    return name


def orphan(name: str = "assets/ab/orphan.zip", *, hours: float) -> str:
    put(name, b"orphan")
    return age(name, hours=hours)


def prune(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("digitalstore_prune_uploads", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_uploads_that_were_not_completed_go_with_their_objects(
    release, sold, bucket, django_capture_on_commit_callbacks
):
    half, failed, young = (begin(release) for _ in range(3))
    put(half.file.name, CONTENT[:5])
    put(failed.file.name, b"wrong")
    flows.finish_upload(failed)
    grow_old(half, hours=25)
    grow_old(failed, hours=25)
    grow_old(young, hours=23)
    with django_capture_on_commit_callbacks(execute=True):
        out, err = prune()
    assert out == "2 uploads that were not completed and 0 orphaned files taken away.\n"
    assert err == ""
    assert set(get_asset_model().objects.all()) == {sold, young}
    assert stored(bucket) == [sold.file.name]


def test_orphaned_files_go_and_what_an_asset_names_stays(release, sold, bucket):
    old, old_part = orphan(hours=26), orphan("incoming/tmp1.upload", hours=26)
    young = orphan("assets/cd/young.zip", hours=24.5)
    elsewhere = orphan("attachments/x.png", hours=1000)
    out, _err = prune("-v", "2")
    assert out == (
        f"{old}: nothing names it\n"
        f"{old_part}: nothing names it\n"
        "0 uploads that were not completed and 2 orphaned files taken away.\n"
    )
    assert stored(bucket) == sorted([sold.file.name, young, elsewhere])


def test_a_dry_run_tells_and_takes_nothing(release, sold, bucket):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    age(asset.file.name, hours=30)
    grow_old(asset, hours=30)
    name = orphan(hours=26)
    before = stored(bucket)
    out, _err = prune("--dry-run")
    assert out == (
        f"{asset.file.name}: asset {asset.pk} was never completed\n"
        f"{name}: nothing names it\n"
        "1 uploads that were not completed and 1 orphaned files would be taken away.\n"
    )
    assert stored(bucket) == before
    assert get_asset_model().objects.filter(pk=asset.pk).exists()
    assert prune("--dry-run", "-v", "0") == ("", "")


def test_an_object_that_gets_an_owner_at_the_last_moment_stays(release, sold, bucket, monkeypatch):
    """It is asked about again right before it would be deleted."""
    name = orphan(hours=26)
    read = DirectStorage.get_modified_time

    def adopted_meanwhile(self, asked):
        get_asset_model().objects.filter(pk=sold.pk).update(file=name)
        return read(self, asked)

    monkeypatch.setattr(DirectStorage, "get_modified_time", adopted_meanwhile)
    flows.prune_uploads()
    assert name in stored(bucket)


def test_an_upload_that_is_finished_at_the_last_moment_stays(release, bucket, monkeypatch):
    asset = begin(release)
    put(asset.file.name, CONTENT)
    grow_old(asset, hours=25)
    take_away = uploads._take_away

    def finished_meanwhile(row):
        get_asset_model().objects.filter(pk=row.pk).update(state="ready")
        return take_away(row)

    monkeypatch.setattr(uploads, "_take_away", finished_meanwhile)
    assert flows.prune_uploads() == flows.Pruned()
    assert get_asset_model().objects.for_owners().get() == asset
    assert stored(bucket) == [asset.file.name]


def test_a_replacement_that_nobody_finished_goes(release, sold, bucket):
    name, _ticket = flows.start_replacement(sold, size=6, sha256="0" * 64)
    orphan(name, hours=26)
    assert flows.prune_uploads() == flows.Pruned(objects=1)
    assert stored(bucket) == [sold.file.name]


def test_files_of_a_deleted_product_go(release, sold, make_product, bucket):
    other = make_release(make_product("Other", released=False), {"b.zip": b"kept"}).assets.get()
    sold.release.delete()
    assert flows.prune_uploads() == flows.Pruned(objects=1)
    assert stored(bucket) == [other.file.name]


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_a_database_that_names_no_file_takes_none_away(release, sold, bucket, arguments):
    """So a storage looks to a second site, and to a database whose backup is being restored."""
    left = orphan("incoming/tmp1.upload", hours=26)
    type(sold).objects.all().delete()
    out, err = prune(*arguments)
    assert out.endswith(
        "1 orphaned files would be taken away.\n" if arguments else "1 orphaned files taken away.\n"
    )
    assert err == (
        "Orphaned files were not looked for: the database names no file at all, so it may not be "
        "the one that these files belong to. Check DATABASES and the storage; if it is, upload a "
        "file.\n"
    )
    assert stored(bucket) == ([sold.file.name, left] if arguments else [sold.file.name])


@pytest.mark.django_db(transaction=True)
def test_a_file_that_another_model_of_the_site_names_stays(make_product, bucket, monkeypatch):
    """A host may keep files of its own beside those that are sold."""
    young = make_release(make_product("Mine", released=False), {"a.zip": b"young"}).assets.get()
    kept, lost = orphan(hours=26), orphan("assets/cd/lost.zip", hours=26)
    with isolate_apps("django_digitalstore.catalog") as registry:

        class Voucher(models.Model):
            scan = models.FileField()

            class Meta:
                app_label = "digitalstore_catalog"

    with connection.schema_editor() as editor:
        editor.create_model(Voucher)
    try:
        Voucher.objects.create(scan=kept)
        monkeypatch.setattr(uploads, "apps", registry)
        flows.prune_uploads()
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Voucher)
    assert stored(bucket) == sorted([kept, young.file.name])
    assert lost != kept


def test_a_storage_that_cannot_list_says_so(release, sold, bucket, monkeypatch):
    asset = begin(release)
    grow_old(asset, hours=25)
    monkeypatch.setattr(DirectStorage, "listdir", Storage.listdir)
    out, err = prune()
    assert out == "1 uploads that were not completed and 0 orphaned files taken away.\n"
    assert err == (
        "Orphaned files were not looked for: subclasses of Storage must provide a listdir() "
        "method\n"
    )


def test_a_file_that_cannot_be_deleted_is_told_and_the_others_go(sold, bucket, monkeypatch):
    stuck, other = orphan("assets/aa/a.zip", hours=26), orphan("assets/bb/b.zip", hours=26)
    delete = DirectStorage.delete

    def fail(self, name):
        if name == stuck:
            raise OSError("busy")
        delete(self, name)

    monkeypatch.setattr(DirectStorage, "delete", fail)
    with pytest.raises(CommandError, match=r"^1 files could not be deleted: see the log\.$"):
        prune()
    assert (stuck in stored(bucket), other in stored(bucket)) == (True, False)


def test_the_job_prunes_too(sold, bucket):
    orphan(hours=26)
    [result] = run_due(only="catalog.prune_uploads")
    assert result.error == ""
    assert stored(bucket) == [sold.file.name]


def test_an_empty_store_has_nothing_to_prune(files):
    assert flows.prune_uploads() == flows.Pruned()


def test_an_upload_whose_process_is_killed_leaves_only_what_is_pruned(files, tmp_path):
    """Killed with SIGKILL in the middle of the bytes: no file is given to anybody, and what lies
    about is found."""
    script = textwrap.dedent(
        f"""
        import os, signal, django
        django.setup()
        from django.test import RequestFactory, override_settings
        from django_digitalstore.catalog.upload_handler import MeasuringUploadHandler
        from django.conf import settings

        class Killed(MeasuringUploadHandler):
            def receive_data_chunk(self, raw_data, start):
                super().receive_data_chunk(raw_data, start)
                if start > 100_000:
                    self.file.flush()
                    os.kill(os.getpid(), signal.SIGKILL)

        head = (b'--x\\r\\nContent-Disposition: form-data; name="file"; filename="a.zip"\\r\\n'
                b"Content-Type: application/octet-stream\\r\\n\\r\\n")
        storage = {{"BACKEND": "django_digitalstore.catalog.storage.PrivateFileSystemStorage",
                   "OPTIONS": {{"location": {str(files)!r}}}}}
        with override_settings(STORAGES={{**settings.STORAGES, "digitalstore": storage}}):
            request = RequestFactory().generic("POST", "/", head + b"w" * 500_000,
                content_type="multipart/form-data; boundary=x")
            request.upload_handlers = [Killed(request)]
            request.FILES
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    [left] = stored(files)
    assert Path(left).parts[0] == "incoming"
    assert flows.prune_uploads() == flows.Pruned()
    age(left, hours=26)
    assert flows.prune_uploads() == flows.Pruned(objects=1)
    assert stored(files) == []


def test_the_time_is_that_of_the_settings(release, sold, bucket, settings):
    settings.DIGITALSTORE_UPLOAD_AGE = timedelta(hours=2)
    asset = begin(release)
    grow_old(asset, hours=2, minutes=1)
    orphan(hours=3.1)
    assert flows.prune_uploads() == flows.Pruned(assets=1, objects=1)
