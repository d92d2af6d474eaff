"""What the page about S3 has you copy, copied: to a real S3 server where that knows it."""

from __future__ import annotations

import importlib.util
import json
import re
import uuid
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.test import override_settings

from django_digitalstore.catalog.checks import check_private_storage
from django_digitalstore.contrib.s3.backend import S3DeliveryBackend
from django_digitalstore.contrib.s3.storage import S3PrivateStorage
from django_digitalstore.entitlements.checks import check_delivery_backends
from tests.contrib.s3.bucket import Bucket, ask
from tests.contrib.s3.test_direct_uploads import send, start
from tests.contrib.s3.test_signed_links import sign
from tests.projects.made import ROOT

PAGE = (ROOT / "docs" / "how-to" / "keep-files-in-s3.md").read_text("utf-8")
EXAMPLES = ROOT / "docs" / "examples"


def copied(name: str, bucket: Bucket) -> Any:
    """Return a document of the page, for ``bucket`` instead of its own."""
    assert f"{{literalinclude}} ../examples/s3/{name}\n" in PAGE
    text = (EXAMPLES / "s3" / name).read_text("utf-8")
    return json.loads(text.replace("shop-sold", bucket.name))


@pytest.fixture
def new_bucket(bucket) -> Bucket:
    """A bucket that no other test uses: what a policy forbids, it forbids to all of them."""
    own = replace(bucket, name=f"docs-{uuid.uuid4().hex[:12]}")
    own.storage().client.create_bucket(Bucket=own.name)
    return own


# --- the settings --------------------------------------------------------------------------------


def settings_of_the_page() -> dict[str, Any]:
    place = EXAMPLES / "settings_s3.py"
    spec = importlib.util.spec_from_file_location("settings_s3", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.isupper()}


def test_the_settings_of_the_page_have_nothing_to_complain_of() -> None:
    with override_settings(**settings_of_the_page(), DIGITALSTORE_TEST_MODE=False):
        assert [*check_private_storage(None), *check_delivery_backends(None)] == []


def test_the_page_names_options_that_there_are() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named >= {"bucket_name", "direct_uploads", "kms_key_id", "server_side_encryption"}
    assert named - set(S3PrivateStorage(bucket_name="x").get_default_settings()) == set()
    assert [name for name in S3DeliveryBackend.known_options if f"`{name}`" not in PAGE] == []


# --- the bucket ----------------------------------------------------------------------------------


@pytest.mark.s3
def test_the_policy_refuses_whoever_comes_without_https(new_bucket, name) -> None:
    storage = new_bucket.storage()
    storage.save(name, ContentFile(b"sold"))
    link = sign(storage, name)
    assert ask(link).status == 200
    new_bucket.set_policy(copied("policy.json", new_bucket))
    assert ask(link).status == 403
    with pytest.raises(ClientError):
        storage.save(f"{name}2", ContentFile(b"sold"))


@pytest.mark.s3
def test_the_bucket_takes_the_rules_for_browsers_and_for_left_parts(new_bucket) -> None:
    client, name = new_bucket.storage().client, new_bucket.name
    cors = copied("cors.json", new_bucket)
    client.put_bucket_cors(Bucket=name, CORSConfiguration=cors)
    assert client.get_bucket_cors(Bucket=name)["CORSRules"] == cors["CORSRules"]
    lifecycle = copied("lifecycle.json", new_bucket)
    client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=lifecycle)
    kept = client.get_bucket_lifecycle_configuration(Bucket=name)
    assert kept["Rules"] == lifecycle["Rules"]


@pytest.fixture
def shops_user(new_bucket: Bucket) -> Bucket:
    """The bucket as a user sees it who has the rights of the page."""
    import boto3

    iam = boto3.client(
        "iam",
        endpoint_url=new_bucket.endpoint,
        region_name="us-east-1",
        aws_access_key_id=new_bucket.key,
        aws_secret_access_key=new_bucket.secret,
    )
    user = f"shop-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    rights = json.dumps(copied("rights.json", new_bucket))
    iam.put_user_policy(UserName=user, PolicyName="sold", PolicyDocument=rights)
    return replace(new_bucket, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


@pytest.mark.s3
def test_the_rights_are_enough_for_all_that_the_shop_does(shops_user, name) -> None:
    storage = shops_user.storage()
    saved = storage.save(name, ContentFile(b"x" * 9 * 1024**2))  # in parts
    assert storage.size(saved) == 9 * 1024**2
    assert ask(sign(storage, saved)).status == 200
    assert storage.listdir("assets")[1] == [saved.partition("/")[2]]
    assert storage.get_modified_time(saved)
    uploaded = f"{name}2"
    assert storage.read_upload(uploaded) is None
    assert send(start(storage, uploaded)).status == 204
    assert storage.read_upload(uploaded) is not None
    storage.delete(saved)
    storage.delete(uploaded)
    assert storage.listdir("assets") == ([], [])


@pytest.mark.s3
def test_the_rights_are_no_more_than_that(bucket, shops_user) -> None:
    client, name = shops_user.storage().client, shops_user.name
    refused = 0
    for forbidden in (
        lambda: client.put_bucket_policy(Bucket=name, Policy="{}"),
        lambda: client.get_bucket_policy(Bucket=name),
        lambda: client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": []}),
        lambda: client.put_bucket_acl(Bucket=name, ACL="public-read"),
        lambda: client.delete_bucket(Bucket=name),
        lambda: client.create_bucket(Bucket=f"{name}-more"),
        lambda: client.list_objects_v2(Bucket=bucket.name),
        lambda: client.get_object(Bucket=bucket.name, Key="x"),
        lambda: client.put_object(Bucket=bucket.name, Key="x", Body=b""),
    ):
        with pytest.raises(ClientError) as caught:
            forbidden()
        refused += caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert refused == 9
