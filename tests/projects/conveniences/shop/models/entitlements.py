"""Who owns what, and why: the store's own tables. Add fields freely; keep each Meta."""

from django.urls import reverse

from django_digitalstore.entitlements.abstract_models import (
    AbstractDownload,
    AbstractGrant,
    AbstractPurchasedProduct,
)


class PurchasedProduct(AbstractPurchasedProduct):
    """Access: this user may use this product now."""

    class Meta(AbstractPurchasedProduct.Meta):
        pass

    def get_library_url(self) -> str:
        return reverse("shop:library_releases", args=[self.product.slug])


class Grant(AbstractGrant):
    """A line of the ledger: why somebody has, or is denied, access."""

    class Meta(AbstractGrant.Meta):
        pass


class Download(AbstractDownload):
    """A line of the download log."""

    class Meta(AbstractDownload.Meta):
        pass
