"""Optional parts of the host's user model."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["RoleFlagsMixin"]


class RoleFlagsMixin(models.Model):
    """Two columns that say who is a customer and who is a seller.

    ``class User(RoleFlagsMixin, AbstractUser): …``, with the predicates of ``accounts.roles`` in
    ``DIGITALSTORE_ROLES``. Without it the roles follow from logging in and from a permission. The
    pages of the suite never write the flags.
    """

    is_customer = models.BooleanField(_("customer"), default=True)
    is_seller = models.BooleanField(_("seller"), default=False)

    class Meta:
        abstract = True
