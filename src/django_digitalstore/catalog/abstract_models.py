"""Abstract models of the catalog: the host's app has the concrete classes and migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.money import format_money, validate_currency
from django_digitalstore.core.search import holds

from . import get_release_model
from .choices import (
    AssetState,
    AssetVisibility,
    ProductStatus,
    ReleaseState,
    asset_states,
    asset_visibilities,
    product_statuses,
    update_terms,
)
from .fields import PrivateFileField
from .storage import asset_path, private_storage
from .validators import validate_file_name

if TYPE_CHECKING:
    # With a default, which typing has since Python 3.13: who subclasses a queryset need not say.
    from typing_extensions import TypeVar

    M = TypeVar("M", bound=models.Model, default=Any)
else:
    from typing import TypeVar

    M = TypeVar("M")

__all__ = [
    "AbstractAsset",
    "AbstractCategory",
    "AbstractProduct",
    "AbstractRelease",
    "AssetQuerySet",
    "CategoryQuerySet",
    "ProductQuerySet",
    "ReleaseQuerySet",
    "default_currency",
]


def default_currency() -> str:
    """Return ``DIGITALSTORE_DEFAULT_CURRENCY``. Migrations name this function: it never moves."""
    return settings.DIGITALSTORE_DEFAULT_CURRENCY


class CategoryQuerySet(QuerySet[M]):
    """Questions about categories."""

    def of_seller(self, user: Any) -> Self:
        """Keep the categories that this seller manages."""
        return self.filter(seller=user)

    def usable_by(self, user: Any) -> Self:
        """Keep the categories that this seller may put a product into: the site's and their own."""
        return self.filter(Q(seller=user) | Q(seller=None))


class AbstractCategory(models.Model):
    """A shelf in the shop. One without a seller belongs to the site, and staff manage it."""

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    description = models.TextField(_("description"), blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    seller = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="%(app_label)s_categories",
        verbose_name=_("seller"),
    )

    objects = models.Manager.from_queryset(CategoryQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(QuerySet[M]):
    """Questions about products."""

    def for_sale(self) -> Self:
        """Keep the products that everybody may see and buy."""
        return self.filter(status=ProductStatus.PUBLISHED)

    def of_seller(self, user: Any) -> Self:
        """Keep the products of this seller: the one tenant filter of the catalog."""
        return self.filter(seller=user)

    def with_updates(self) -> Self:
        """Add ``is_updated``: a release that is not the first came out a short while ago.

        Short is ``DIGITALSTORE_UPDATED_BADGE_AGE``. Withdrawn releases are no update, but one that
        follows them is. No query of its own.
        """
        releases = get_release_model()._base_manager
        now = timezone.now()
        earlier = releases.filter(product=OuterRef("product"), published_at__lte=now).filter(
            Q(published_at__lt=OuterRef("published_at"))
            | Q(published_at=OuterRef("published_at"), pk__lt=OuterRef("pk"))
        )
        updates = releases.filter(
            Exists(earlier),
            product=OuterRef("pk"),
            yanked_at=None,
            published_at__lte=now,
            published_at__gt=now - settings.DIGITALSTORE_UPDATED_BADGE_AGE,
        )
        return self.annotate(is_updated=Exists(updates))

    def search(self, text: str) -> Self:
        """Keep the products in which every word of ``text`` stands, in title, summary or text."""
        queryset = self
        for word in text.split()[:10]:
            queryset = queryset.filter(
                holds("title", word) | holds("summary", word) | holds("description", word)
            )
        return queryset

    def in_categories(self, slugs: list[str]) -> Self:
        """Keep the products that lie in any of the categories."""
        inside = self.model._default_manager.filter(categories__slug__in=slugs)
        return self.filter(pk__in=inside.order_by().values("pk"))


class AbstractProduct(models.Model):
    """Something for sale. What its owners get are the files of its published releases."""

    title = models.CharField(_("title"), max_length=200)
    slug = models.SlugField(_("slug"), max_length=200, unique=True)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    description = models.TextField(_("description"), blank=True)
    price = models.PositiveBigIntegerField(
        _("price"), default=0, help_text=_("In minor units: 1999 is 19.99 euros, and 0 is free.")
    )
    currency = models.CharField(
        _("currency"), max_length=3, default=default_currency, validators=[validate_currency]
    )
    status = models.CharField(
        _("status"), max_length=20, choices=product_statuses, default=ProductStatus.DRAFT
    )
    featured = models.BooleanField(_("featured"), default=False)
    seller = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("seller"),
        help_text=_("Nobody: the product belongs to the site, and staff manage it."),
    )
    categories: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        settings.DIGITALSTORE_CATEGORY_MODEL,
        blank=True,
        related_name="products",
        verbose_name=_("categories"),
    )
    updates = models.CharField(
        _("updates"),
        max_length=20,
        choices=update_terms,
        blank=True,
        help_text=_("Which later versions an owner gets. Empty: as the site says."),
    )
    update_days = models.PositiveIntegerField(
        _("days of updates"),
        null=True,
        blank=True,
        help_text=_("Where updates are limited: for how many days after the purchase."),
    )
    download_limit = models.PositiveIntegerField(
        _("download limit"),
        null=True,
        blank=True,
        help_text=_("Downloads for each purchase. Empty: as the site says; 0: without a limit."),
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = models.Manager.from_queryset(ProductQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["-featured", "-published_at", "-pk"]
        indexes = [
            models.Index(fields=["status", "-featured", "-published_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0), name="%(app_label)s_%(class)s_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "archived"]),
                name="%(app_label)s_%(class)s_status_known",
            ),
            models.CheckConstraint(
                condition=Q(updates__in=["", "lifetime"])
                | Q(updates="limited", update_days__isnull=False),
                name="%(app_label)s_%(class)s_limited_updates_have_days",
            ),
        ]
        permissions = [("sell_product", _("Can sell products in the seller panel"))]

    def __str__(self) -> str:
        return self.title

    @property
    def is_for_sale(self) -> bool:
        """Tell whether everybody may see and buy it."""
        return self.status == ProductStatus.PUBLISHED

    @property
    def is_free(self) -> bool:
        """Tell whether it costs nothing. Free things are bought too: access needs a purchase."""
        return self.price == 0

    @property
    def display_price(self) -> str:
        """Return the price as people write it in the active language."""
        return format_money(self.price, self.currency)


class ReleaseQuerySet(QuerySet[M]):
    """Questions about releases."""

    def available(self) -> Self:
        """Keep the releases that owners see: published by now and not withdrawn."""
        return self.filter(published_at__lte=timezone.now(), yanked_at=None)


class AbstractRelease(models.Model):
    """A version of a product. A new release reaches everybody who owns the product."""

    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.CASCADE,
        related_name="releases",
        verbose_name=_("product"),
    )
    version = models.CharField(_("version"), max_length=50)
    notes = models.TextField(_("notes"), blank=True)
    published_at = models.DateTimeField(
        _("published at"), null=True, blank=True, help_text=_("Empty: a draft that no owner sees.")
    )
    yanked_at = models.DateTimeField(
        _("withdrawn at"), null=True, blank=True, help_text=_("Hides the release; access stays.")
    )
    yanked_reason = models.CharField(
        _("why it was withdrawn"),
        max_length=300,
        blank=True,
        help_text=_("Owners who ask for one of its files read it."),
    )
    notified_at = models.DateTimeField(_("owners told at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = models.Manager.from_queryset(ReleaseQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["-published_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "version"], name="%(app_label)s_%(class)s_one_per_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.version}"

    @property
    def state(self) -> ReleaseState:
        """Return where it stands now."""
        if self.yanked_at is not None:
            return ReleaseState.YANKED
        if self.published_at is None:
            return ReleaseState.DRAFT
        if self.published_at > timezone.now():
            return ReleaseState.SCHEDULED
        return ReleaseState.PUBLISHED

    @property
    def is_available(self) -> bool:
        """Tell whether owners see it now."""
        return self.state == ReleaseState.PUBLISHED


class AssetQuerySet(QuerySet[M]):
    """Questions about files."""

    def for_owners(self) -> Self:
        """Keep the files that owners are given."""
        return self.filter(state=AssetState.READY, visibility=AssetVisibility.OWNERS)

    def samples(self) -> Self:
        """Keep the files that everybody is given."""
        return self.filter(state=AssetState.READY, visibility=AssetVisibility.SAMPLE)


class AbstractAsset(models.Model):
    """A file of a release, in the private storage. ``name`` is what its owner sees."""

    release = models.ForeignKey(
        settings.DIGITALSTORE_RELEASE_MODEL,
        on_delete=models.CASCADE,
        related_name="assets",
        verbose_name=_("release"),
    )
    name = models.CharField(_("file name"), max_length=150, validators=[validate_file_name])
    platform = models.CharField(_("platform"), max_length=50, blank=True)
    file = PrivateFileField(
        _("file"), storage=private_storage, upload_to=asset_path, max_length=255
    )
    visibility = models.CharField(
        _("for whom"),
        max_length=20,
        choices=asset_visibilities,
        default=AssetVisibility.OWNERS,
    )
    state = models.CharField(
        _("state"),
        max_length=20,
        choices=asset_states,
        default=AssetState.READY,
        editable=False,
    )
    failure = models.CharField(_("why it failed"), max_length=200, blank=True, editable=False)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0, editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, editable=False)
    position = models.PositiveIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = models.Manager.from_queryset(AssetQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(visibility__in=["owners", "sample"]),
                name="%(app_label)s_%(class)s_visibility_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["processing", "ready", "failed"]),
                name="%(app_label)s_%(class)s_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ready(self) -> bool:
        """Tell whether its bytes are all there and checked: nothing else is given to anybody."""
        return self.state == AssetState.READY

    @property
    def is_sample(self) -> bool:
        """Tell whether everybody gets it."""
        return self.visibility == AssetVisibility.SAMPLE
