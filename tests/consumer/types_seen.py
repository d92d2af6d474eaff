"""What mypy knows in a host of the suite; ``test_consumer`` runs it, nothing imports this."""

from typing import assert_type

from bookstand.abstract_models import BookOrderQuerySet, BookQuerySet

from django_digitalstore import entitlements, payments
from django_digitalstore.catalog import get_product_model
from tests.projects.consumer.shop.models import (
    Category,
    Grant,
    Licence,
    Order,
    OrderLine,
    Payment,
    Product,
    PurchasedProduct,
    Release,
)

# By the suite's plugin: which model the host named is a setting.
assert_type(get_product_model(), type[Product])
assert_type(get_product_model()().isbn, str)
assert_type(get_product_model().objects.shown().get(), Product)
assert_type(payments.get_order_line_model(), type[OrderLine])
assert_type(entitlements.get_purchased_product_model().objects.live().get(), PurchasedProduct)

assert_type(Product.objects.get(), Product)
assert_type(Product.objects.shown(), BookQuerySet[Product])
assert_type(Product.objects.for_sale().get(), Product)
assert_type(Product().isbn, str)
assert_type(Licence.objects.get(), Licence)
assert_type(Licence().product, Product)
assert_type(Release().product, Product)
assert_type(Category().pk, int)
assert_type(Order.objects.get(), Order)
assert_type(Order.objects.of_customer(None), BookOrderQuerySet[Order])
assert_type(Order.objects.of_customer(None).get(), Order)
assert_type(Order.objects.filter(total=0).needing_attention().get(), Order)
assert_type(Order().lines.get(), OrderLine)
assert_type(Order().lines.filter(position=1).get(), OrderLine)
assert_type(Order().payments.get(), Payment)
assert_type(OrderLine.objects.get(), OrderLine)
assert_type(Payment.objects.get(), Payment)
assert_type(Grant.objects.get(), Grant)
assert_type(PurchasedProduct.objects.live().get(), PurchasedProduct)
assert_type(PurchasedProduct().product, Product)
assert_type(OrderLine().order, Order)
assert_type(OrderLine().product, Product)
