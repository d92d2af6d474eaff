"""What tests of a host's project need: somebody to log in as, whatever the user model."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.contrib.auth import get_user_model

from django_digitalstore.core.testing import naming_missing_fields

__all__ = ["PASSWORD", "make_user"]

#: The password of everybody that ``make_user`` makes.
PASSWORD = "a-long-pass-word-1"

_numbers = count(1)


def make_user(name: str | None = None, **fields: Any) -> Any:
    """Return a saved user named ``name``, with an e-mail address of ``example.com``.

    ``fields`` are those that the host's user model requires beside its USERNAME_FIELD. Raises
    ``FieldsMissing``, which names them.
    """
    model = get_user_model()
    name = name or f"user-{next(_numbers)}"
    columns = {field.name for field in model._meta.concrete_fields}
    for column in {model.USERNAME_FIELD, model.get_email_field_name()} & columns:
        is_email = column == model.get_email_field_name()
        fields.setdefault(column, f"{name}@example.com" if is_email else name)
    fields["password"] = PASSWORD
    with naming_missing_fields("make_user", model, fields):
        return model._default_manager.create_user(**fields)
