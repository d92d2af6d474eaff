"""What a form about oneself has, and what it never has."""

from __future__ import annotations

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

__all__ = ["DECIDED_BY_OTHERS", "name_fields", "refuse_privileges"]

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


def name_fields() -> list[str]:
    """Return the fields of the host's user model that hold a person's name, for a first form.

    Not the e-mail address: whoever changes it should prove that it is theirs.
    """
    columns = {field.name for field in get_user_model()._meta.concrete_fields}
    return [name for name in ("first_name", "last_name", "full_name", "name") if name in columns]


def refuse_privileges(form_class: type[forms.BaseForm]) -> None:
    """Raise ``ImproperlyConfigured`` where a form would let people give themselves rights."""
    wrong = sorted(DECIDED_BY_OTHERS & set(getattr(form_class, "base_fields", ())))
    if wrong:
        name = form_class.__name__
        raise ImproperlyConfigured(
            f"{name} has the field {wrong[0]!r}, which nobody may change about themselves. "
            f"Remove {wrong[0]!r} from {name}.Meta.fields."
        )
