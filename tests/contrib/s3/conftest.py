"""What the tests of the bucket share."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.contrib.s3.bucket import Bucket, the_bucket


@pytest.fixture(scope="session")
def bucket() -> Bucket:
    return the_bucket()


@pytest.fixture(scope="session")
def storage(bucket: Bucket) -> Any:
    """The bucket as a storage; connecting takes as long as many a test."""
    return bucket.storage()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"assets/{uuid.uuid4().hex}.pdf"
