"""What tests of a host's project need, whatever is installed: budgets, and errors that say more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    connections,
    models,
    router,
    transaction,
)
from django.test.utils import CaptureQueriesContext

from .exceptions import DigitalStoreError

__all__ = ["FieldsMissing", "assert_query_budget", "naming_missing_fields"]


class FieldsMissing(DigitalStoreError, TypeError):
    """A factory was not given what the host's own model requires. Nothing was saved."""


@contextmanager
def assert_query_budget(
    budget: int, *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[CaptureQueriesContext]:
    """Assert that the block sends at most ``budget`` statements to the database ``using``.

    A budget is a maximum: with fewer the assertion holds. Everything counts that the connection
    sends, savepoints too. Yields what was captured. An error of the block itself goes through. ::

        with assert_query_budget(12):
            client.get("/shop/")
    """
    with CaptureQueriesContext(connections[using]) as captured:
        yield captured
    if len(captured) > budget:
        raise AssertionError(_over_budget(budget, using, captured))


def _over_budget(budget: int, using: str, captured: CaptureQueriesContext) -> str:
    sent = "\n".join(
        f"{number}. {query['sql']}" for number, query in enumerate(captured.captured_queries, 1)
    )
    return (
        f"The block sent {len(captured)} queries to the database {using!r}, and its budget is "
        f"{budget}. Where one of them repeats per row, load the rows together by select_related(), "
        f"prefetch_related() or a policy for many; where something cached is asked for again, find "
        f"out what went around the cache. If each is needed, raise the budget.\n{sent}"
    )


@contextmanager
def naming_missing_fields(
    factory: str, model: type[models.Model], given: Mapping[str, Any]
) -> Iterator[None]:
    """Turn the error of saving a ``model`` without a field it requires into ``FieldsMissing``.

    For factories: ``factory`` is the name of the function to give fields to, ``given`` are those
    that it has. Other errors go through. The block runs in a savepoint.
    """
    try:
        with transaction.atomic(using=router.db_for_write(model)):
            yield
    except (IntegrityError, TypeError, ValueError, ValidationError) as error:
        missing = _missing(model, given, error)
        if not missing:
            raise
        call = ", ".join(f"{name}=…" for name in missing)
        raise FieldsMissing(
            f"{factory}() – {model._meta.label} requires {', '.join(missing)}, which it was not "
            f"given – write {factory}({call})."
        ) from error


def _missing(model: type[models.Model], given: Mapping[str, Any], error: Exception) -> list[str]:
    if isinstance(error, ValidationError):
        found = getattr(error, "error_dict", {})
        return [
            name
            for name, errors in found.items()
            if name not in given and any(e.code in {"blank", "null"} for e in errors)
        ]
    return [
        field.name
        for field in model._meta.concrete_fields
        if not {field.name, field.attname} & given.keys() and _is_required(field, error)
    ]


def _is_required(field: models.Field, error: Exception) -> bool:
    if field.null or field.has_default() or field.has_db_default() or field.primary_key:
        return False
    if type(field).pre_save is not models.Field.pre_save or field.generated:
        return False  # filled in when the row is saved
    if isinstance(error, IntegrityError):
        return field.get_default() is None  # an empty text is no reason for a database
    return re.search(rf"\b{field.name}\b", str(error)) is not None
