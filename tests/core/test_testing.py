"""What hosts' tests assert about queries, and what a factory says that lacks a field."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, models
from django.test.utils import isolate_apps

from django_digitalstore.core.testing import (
    FieldsMissing,
    assert_query_budget,
    naming_missing_fields,
)

pytestmark = pytest.mark.django_db


def ask(times: int) -> None:
    with connection.cursor() as cursor:
        for number in range(times):
            cursor.execute(f"SELECT {number}")


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_a_budget_is_a_maximum(sent: int) -> None:
    with assert_query_budget(2) as captured:
        ask(sent)
    assert len(captured) == sent


def test_over_budget_says_by_how_much_and_by_what_and_what_to_do() -> None:
    with pytest.raises(AssertionError) as caught, assert_query_budget(1):
        ask(2)
    assert str(caught.value) == (
        "The block sent 2 queries to the database 'default', and its budget is 1. Where one of "
        "them repeats per row, load the rows together by select_related(), prefetch_related() or a "
        "policy for many; where something cached is asked for again, find out what went around the "
        "cache. If each is needed, raise the budget.\n1. SELECT 0\n2. SELECT 1"
    )


def test_what_the_block_raises_comes_first() -> None:
    with pytest.raises(ZeroDivisionError), assert_query_budget(0):
        ask(1 // 0)


# --- missing fields -------------------------------------------------------------------------------


@pytest.fixture
def Book() -> Any:
    """A host's product with fields of every kind that a factory may lack."""
    with isolate_apps("django_digitalstore.core"):

        class Book(models.Model):
            title = models.CharField(max_length=20)
            isbn = models.CharField(max_length=13)
            pages = models.IntegerField()
            weight = models.IntegerField(default=0)
            note = models.IntegerField(null=True)
            printed_at = models.DateTimeField(auto_now_add=True)

            class Meta:
                app_label = "digitalstore_core"

        with connection.schema_editor() as editor:
            editor.create_model(Book)
        try:
            yield Book
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(Book)


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_for_lack_of_a_field_is_named(Book: Any) -> None:
    given = {"title": "A"}
    with (
        pytest.raises(FieldsMissing) as caught,
        naming_missing_fields("make_book", Book, given),
    ):
        Book.objects.create(**given)
    assert str(caught.value) == (
        "make_book() – digitalstore_core.Book requires pages, which it was not given – write "
        "make_book(pages=…)."
    )
    assert Book.objects.count() == 0  # the connection still works


@pytest.mark.django_db(transaction=True)
def test_what_validation_refuses_for_lack_of_a_field_is_named(Book: Any) -> None:
    given = {"title": "A"}
    with (
        pytest.raises(FieldsMissing) as caught,
        naming_missing_fields("make_book", Book, given),
    ):
        Book(**given).full_clean()
    assert str(caught.value) == (
        "make_book() – digitalstore_core.Book requires isbn, pages, note, which it was not given – "
        "write make_book(isbn=…, pages=…, note=…)."
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "given", [{"title": "A", "isbn": "1", "pages": None}, {"title": None, "pages": 1}]
)
def test_what_was_given_and_is_wrong_is_not_called_missing(Book: Any, given: Any) -> None:
    with pytest.raises(IntegrityError), naming_missing_fields("make_book", Book, given):
        Book.objects.create(**given)


def test_a_user_manager_that_wants_more_is_understood() -> None:
    def create_user(email: str, full_name: str) -> None:
        raise AssertionError("not reached")

    user = get_user_model()
    field = next(
        f.name for f in user._meta.concrete_fields if f.name in {"full_name", "first_name"}
    )
    with (
        pytest.raises(FieldsMissing) as caught,
        naming_missing_fields("make_user", user, {"email": "a@example.com"}),
    ):
        raise TypeError(f"create_user() missing 1 required positional argument: {field!r}")
    assert str(caught.value) == (
        f"make_user() – {user._meta.label} requires {field}, which it was not given – write "
        f"make_user({field}=…)."
    )


def test_a_misspelt_keyword_is_not_called_missing() -> None:
    with (
        pytest.raises(TypeError, match="unexpected keyword") as caught,
        naming_missing_fields("make_user", get_user_model(), {"emial": "a"}),
    ):
        get_user_model()(emial="a")
    assert not isinstance(caught.value, FieldsMissing)
