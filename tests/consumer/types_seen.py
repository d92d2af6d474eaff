"""What mypy knows in a host of the suite; ``test_consumer`` runs it, nothing imports this."""

from typing import assert_type

from bookstand.abstract_models import BookQuerySet

from django_digitalstore.catalog import get_product_model
from django_digitalstore.catalog.abstract_models import AbstractProduct
from tests.projects.consumer.shop.models import (
    Category,
    Licence,
    Order,
    OrderLine,
    Product,
    Release,
)

# A slot's model is known by its base: which model the host named is a setting.
assert_type(get_product_model(), type[AbstractProduct])
assert_type(Product.objects.get(), Product)
assert_type(Product.objects.shown(), BookQuerySet)
assert_type(Product().isbn, str)
assert_type(Licence.objects.get(), Licence)
assert_type(Licence().product, Product)
assert_type(Release().product, Product)
assert_type(Category().pk, int)
assert_type(Order().lines.get(), OrderLine)
assert_type(OrderLine().order, Order)
assert_type(OrderLine().product, Product)
