"""Put a file on sale, sign in a customer who owns it, and print what is needed to download it.

``python -m tests.live.seed_purchase NAME SIZE``: the file is stored, and shown, under NAME, and
holds SIZE bytes that are nowhere the same.
"""

import hashlib
import json
import os
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.urls import reverse  # noqa: E402

from django_digitalstore.entitlements.testing import (  # noqa: E402
    customer_who_owns,
    make_product,
    make_release_with_file,
)
from tests.live.sessions import sign_in  # noqa: E402

BLOCK = 1024 * 1024


def main(name: str, size: int) -> None:
    product = make_product(title="A book")
    asset = make_release_with_file(product, b"", name)
    # Under its own name, which a host's upload may give it, and block by block.
    storage, stored = asset.file.storage, f"assets/{name}"
    digest, left = hashlib.sha256(), size
    with open(storage.path(stored), "wb") as file:
        while left:
            block = os.urandom(min(BLOCK, left))
            file.write(block)
            digest.update(block)
            left -= len(block)
    asset.file.name, asset.size, asset.sha256 = stored, size, digest.hexdigest()
    asset.save()
    customer = customer_who_owns(product)
    store = settings.DIGITALSTORE_STORE_APP
    print(
        json.dumps(
            {
                "session": sign_in(customer),
                "click": reverse(f"{store}:download_link", args=[asset.pk]),
                "library": reverse(f"{store}:library"),
                "folder": storage.location,
                "stored": stored,
                "sha256": asset.sha256,
                "size": size,
            }
        )
    )


main(sys.argv[1], int(sys.argv[2]))
