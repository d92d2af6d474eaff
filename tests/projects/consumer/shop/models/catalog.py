"""What is for sale. Add the fields and methods that your products need."""

from bookstand.abstract_models import AbstractBook
from django.urls import reverse

from django_digitalstore.catalog.abstract_models import (
    AbstractAsset,
    AbstractCategory,
    AbstractRelease,
)


class Category(AbstractCategory):
    """A shelf in the shop."""

    class Meta(AbstractCategory.Meta):
        pass


class Product(AbstractBook):
    """Something for sale."""

    class Meta(AbstractBook.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("shop:product_detail", kwargs={"slug": self.slug})


class Release(AbstractRelease):
    """A version of a product."""

    class Meta(AbstractRelease.Meta):
        pass


class Asset(AbstractAsset):
    """A file of a release."""

    class Meta(AbstractAsset.Meta):
        pass
