"""What the tests of the bucket share."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.contrib.s3.bucket import Bucket, the_bucket


@pytest.fixture
def bucket() -> Bucket:
    return the_bucket()


@pytest.fixture
def storage(bucket: Bucket) -> Any:
    return bucket.storage()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"assets/{uuid.uuid4().hex}.pdf"
