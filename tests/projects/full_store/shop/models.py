"""The store's models."""

from django.urls import reverse

from django_digitalstore.catalog import abstract_models as catalog
from django_digitalstore.entitlements import abstract_models as entitlements
from django_digitalstore.payments import abstract_models as payments


class Category(catalog.AbstractCategory):
    class Meta(catalog.AbstractCategory.Meta):
        pass


class Product(catalog.AbstractProduct):
    class Meta(catalog.AbstractProduct.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("shop:product_detail", args=[self.slug])


class Release(catalog.AbstractRelease):
    class Meta(catalog.AbstractRelease.Meta):
        pass


class Asset(catalog.AbstractAsset):
    class Meta(catalog.AbstractAsset.Meta):
        pass


class PurchasedProduct(entitlements.AbstractPurchasedProduct):
    class Meta(entitlements.AbstractPurchasedProduct.Meta):
        pass


class Grant(entitlements.AbstractGrant):
    class Meta(entitlements.AbstractGrant.Meta):
        pass


class Download(entitlements.AbstractDownload):
    class Meta(entitlements.AbstractDownload.Meta):
        pass


class Order(payments.AbstractOrder):
    class Meta(payments.AbstractOrder.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("shop:order_detail", args=[self.public_id])


class OrderLine(payments.AbstractOrderLine):
    class Meta(payments.AbstractOrderLine.Meta):
        pass


class Payment(payments.AbstractPayment):
    class Meta(payments.AbstractPayment.Meta):
        pass


class Refund(payments.AbstractRefund):
    class Meta(payments.AbstractRefund.Meta):
        pass


class Dispute(payments.AbstractDispute):
    class Meta(payments.AbstractDispute.Meta):
        pass
