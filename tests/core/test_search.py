"""A word is found where it stands, whatever its case, and whatever the collation says."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from django_digitalstore.core.search import holds

pytestmark = pytest.mark.django_db


def found(word: str) -> list[str]:
    groups = Group.objects.filter(holds("name", word)).order_by("name")
    return list(groups.values_list("name", flat=True))


def test_the_case_of_neither_side_matters():
    Group.objects.create(name="Spring letter")
    for word in ("spring", "SPRING", "LeTTer", "g l"):
        assert found(word) == ["Spring letter"]
    assert found("summer") == []


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite knows ASCII letters alone.")
def test_the_case_of_other_letters_does_not_matter_either():
    Group.objects.create(name="Äußerst Übel")
    assert found("äUSSERST") == []
    assert found("äußerst") == found("ÜBEL") == ["Äußerst Übel"]


def test_a_word_finds_its_own_title_whatever_its_letters():
    for word in ("ΛΟΓΟΣ", "İstanbul"):
        Group.objects.create(name=f"1 {word} 2")
        assert found(word) == [f"1 {word} 2"]


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'"])
def test_signs_of_patterns_are_signs(sign):
    Group.objects.create(name=f"a{sign}b")
    Group.objects.create(name="a-b")
    assert found(f"A{sign}B") == [f"a{sign}b"]


def test_what_is_asked_of_one_row_beside_it_is_asked_of_the_same():
    first, second = Permission.objects.order_by("pk")[:2]
    Group.objects.create(name="both").permissions.add(first, second)
    same = holds("permissions__codename", first.codename.upper())
    assert Group.objects.filter(same, permissions=first).exists()
    assert not Group.objects.filter(same, permissions=second).exists()
