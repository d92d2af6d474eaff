"""Settings of the catalog. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from appconf import AppConf

from django_digitalstore.core.conf import slot_default

__all__ = ["CatalogConf"]


class CatalogConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """Models, files and paging of the catalog."""

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
