"""Settings for mypy's Django plugin, which knows only names that stand in the settings module."""

from tests.projects.full_store.settings import *  # noqa: F403

DIGITALSTORE_PRODUCT_MODEL = "shop.Product"
DIGITALSTORE_CATEGORY_MODEL = "shop.Category"
DIGITALSTORE_RELEASE_MODEL = "shop.Release"
DIGITALSTORE_ASSET_MODEL = "shop.Asset"
DIGITALSTORE_PURCHASED_PRODUCT_MODEL = "shop.PurchasedProduct"
DIGITALSTORE_GRANT_MODEL = "shop.Grant"
DIGITALSTORE_DOWNLOAD_MODEL = "shop.Download"
DIGITALSTORE_ORDER_MODEL = "shop.Order"
DIGITALSTORE_ORDER_LINE_MODEL = "shop.OrderLine"
DIGITALSTORE_PAYMENT_MODEL = "shop.Payment"
DIGITALSTORE_REFUND_MODEL = "shop.Refund"
DIGITALSTORE_DISPUTE_MODEL = "shop.Dispute"
DIGITALSTORE_SELLER_PERMISSION = "shop.sell_product"
