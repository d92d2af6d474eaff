"""What a form about oneself never has."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ImproperlyConfigured

__all__ = ["DECIDED_BY_OTHERS", "refuse_privileges"]

#: Fields of user models that give rights, or that have pages of their own.
DECIDED_BY_OTHERS = frozenset(
    {
        "groups",
        "is_active",
        "is_customer",
        "is_seller",
        "is_staff",
        "is_superuser",
        "password",
        "user_permissions",
    }
)


def refuse_privileges(form_class: type[forms.BaseForm]) -> None:
    """Raise ``ImproperlyConfigured`` where a form would let people give themselves rights."""
    wrong = sorted(DECIDED_BY_OTHERS & set(getattr(form_class, "base_fields", ())))
    if wrong:
        name = form_class.__name__
        raise ImproperlyConfigured(
            f"{name} has the field {wrong[0]!r}, which nobody may change about themselves. "
            f"Remove {wrong[0]!r} from {name}.Meta.fields."
        )
