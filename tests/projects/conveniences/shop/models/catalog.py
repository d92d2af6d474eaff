"""What is for sale. Add the fields and methods that your products need."""

from django.urls import reverse

from django_digitalstore.catalog.abstract_models import (
    AbstractAsset,
    AbstractCategory,
    AbstractProduct,
    AbstractRelease,
)


class Category(AbstractCategory):
    """A shelf in the shop."""

    class Meta(AbstractCategory.Meta):
        pass


class Product(AbstractProduct):
    """Something for sale."""

    class Meta(AbstractProduct.Meta):
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
