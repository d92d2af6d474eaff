"""Settings of the catalog. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta

from appconf import AppConf

from django_digitalstore.core.conf import slot_default

__all__ = ["CatalogConf"]


class CatalogConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """Models, files, uploads and paging of the catalog."""

    #: The host's models; None means ``<STORE_APP>.Product`` and so on.
    PRODUCT_MODEL: str | None = None
    CATEGORY_MODEL: str | None = None
    RELEASE_MODEL: str | None = None
    ASSET_MODEL: str | None = None
    #: Alias in Django's ``STORAGES`` for the files that are sold. It must have no public URL.
    STORAGE = "digitalstore"
    #: Currency that new products start with: an ISO 4217 code.
    DEFAULT_CURRENCY = "EUR"
    #: Products on one page of the list.
    PRODUCTS_PER_PAGE = 24
    #: Releases on one page of a changelog.
    RELEASES_PER_PAGE = 20
    #: How long a product shows that it was updated, after a release that is not its first.
    UPDATED_BADGE_AGE = timedelta(days=3)
    #: The largest file that a seller may upload, in bytes.
    UPLOAD_MAX_BYTES = 2 * 1024**3
    #: Extensions that sellers may upload, like ("zip", "pdf"); None takes all.
    UPLOAD_EXTENSIONS: tuple[str, ...] | None = None
    #: How long an upload may take; what is not complete by then is taken away.
    UPLOAD_AGE = timedelta(hours=24)

    class Meta:
        prefix = "digitalstore"

    def configure_product_model(self, value: str | None) -> str:
        return slot_default(value, "Product")

    def configure_category_model(self, value: str | None) -> str:
        return slot_default(value, "Category")

    def configure_release_model(self, value: str | None) -> str:
        return slot_default(value, "Release")

    def configure_asset_model(self, value: str | None) -> str:
        return slot_default(value, "Asset")
