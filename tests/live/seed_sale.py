"""Put a product with a file on sale, sign a customer in, and print both."""

import json

import django

django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_digitalstore.catalog import get_asset_model, get_release_model  # noqa: E402
from tests.live.sessions import sign_in  # noqa: E402
from tests.payments import signed  # noqa: E402

CONTENT = "the bytes that were bought\n" * 1000


def main() -> None:
    product = signed.make_product("book", 1999)
    release = get_release_model()._default_manager.create(
        product=product, version="1.0", published_at=timezone.now()
    )
    asset = get_asset_model()(release=release, name="book.txt", size=len(CONTENT))
    asset.file.save("book.txt", ContentFile(CONTENT.encode()), save=True)
    customer = signed.make_customer()
    print(
        json.dumps(
            {
                "session": sign_in(customer),
                "slug": product.slug,
                "asset": str(asset.pk),
                "content": CONTENT,
            }
        )
    )


main()
