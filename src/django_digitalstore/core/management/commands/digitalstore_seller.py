"""``manage.py digitalstore_seller <username>``: lets a user sell."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_digitalstore.core.roles import SELLER, has_role, seller_permission

__all__ = ["Command"]


class Command(BaseCommand):
    """Gives the permission that the role *seller* asks for. Twice is the same as once."""

    help = "Gives users the permission to sell in the seller panel (sell_product)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one or more names."""
        field = get_user_model().USERNAME_FIELD
        parser.add_argument("username", nargs="+", help=f"The user's {field}.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Give the permission to each user; with one unknown name nobody gets it."""
        label, _, codename = seller_permission().partition(".")
        permission = Permission.objects.filter(
            content_type__app_label=label, codename=codename
        ).first()
        if permission is None:
            raise CommandError(
                f"digitalstore_seller – there is no permission {seller_permission()!r} yet – run "
                f"`manage.py migrate` first, and see that {label!r} is the app of your product "
                f"model (DIGITALSTORE_PRODUCT_MODEL), whose Meta inherits AbstractProduct.Meta."
            )
        users = [self._user(name) for name in options["username"]]
        for user in users:
            user.user_permissions.add(permission)
            fresh: Any = get_user_model()._default_manager.get(pk=user.pk)  # without cached answers
            if has_role(fresh, SELLER):
                self.stdout.write(self.style.SUCCESS(f"{fresh.get_username()} may sell."))
            else:
                self.stdout.write(
                    self.style.WARNING(
                        f"{fresh.get_username()} has the permission, but DIGITALSTORE_ROLES"
                        f"[{SELLER!r}] does not take them for a seller (yet)."
                    )
                )

    def _user(self, name: str) -> Any:
        model = get_user_model()
        try:
            return model._default_manager.get_by_natural_key(name)
        except model.DoesNotExist:
            raise CommandError(
                f"digitalstore_seller – there is no user whose {model.USERNAME_FIELD} is "
                f"{name!r} – `manage.py createsuperuser` makes one."
            ) from None
