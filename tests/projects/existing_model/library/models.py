"""A model that was here before the store: its title, its slug and its pages are its own."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.urls import reverse

from django_digitalstore.catalog.abstract_models import AbstractProduct, ProductQuerySet


class EbookQuerySet(ProductQuerySet):
    """The site's own questions, beside those of the shop."""

    def long(self) -> Self:
        return self.filter(pages__gt=500)


class Ebook(AbstractProduct):
    title = models.CharField("Titel", max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    pages = models.PositiveIntegerField(null=True, blank=True)

    objects = models.Manager.from_queryset(EbookQuerySet)()

    class Meta(AbstractProduct.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("shop:product_detail", kwargs={"slug": self.slug})
