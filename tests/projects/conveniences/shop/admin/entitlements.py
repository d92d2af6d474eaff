"""Admin of access: grant, revoke and restore with a reason; the ledger and the log to read."""

from django.contrib import admin

from django_digitalstore.entitlements.admin import (
    AbstractDownloadAdmin,
    AbstractGrantAdmin,
    AbstractPurchasedProductAdmin,
)

from ..models import Download, Grant, PurchasedProduct


@admin.register(PurchasedProduct)
class PurchasedProductAdmin(AbstractPurchasedProductAdmin):
    pass


@admin.register(Grant)
class GrantAdmin(AbstractGrantAdmin):
    pass


@admin.register(Download)
class DownloadAdmin(AbstractDownloadAdmin):
    pass
