"""What is for sale. Add the fields and methods that your products need."""

from django_digitalstore.catalog.abstract_models import (
    AbstractAsset,
    AbstractCategory,
    AbstractRelease,
)


class Category(AbstractCategory):
    """A shelf in the shop."""

    class Meta(AbstractCategory.Meta):
        pass


class Release(AbstractRelease):
    """A version of a product."""

    class Meta(AbstractRelease.Meta):
        pass


class Asset(AbstractAsset):
    """A file of a release."""

    class Meta(AbstractAsset.Meta):
        pass
