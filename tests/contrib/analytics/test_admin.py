"""The admin shows the rollup, and lets nobody edit it."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.contrib.analytics.models import DailyFigures, RollupState
from django_digitalstore.core.testing import assert_query_budget

pytestmark = pytest.mark.django_db


def test_staff_look_at_figures_and_change_nothing(client_of, superuser):
    row = DailyFigures.objects.create(
        seller_key="*", product_key="*", country="*", currency="EUR", day=date(2026, 5, 10), gross=7
    )
    state = RollupState.objects.create(rolled_up_to=timezone.now(), time_zone="UTC")
    client = client_of(superuser)
    for instance in (row, state):
        name = f"admin:digitalstore_analytics_{instance._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200
        page = client.get(reverse(f"{name}_change", args=[instance.pk]))
        assert page.status_code == 200
        assert b'name="_save"' not in page.content
        assert client.get(reverse(f"{name}_add")).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[instance.pk])).status_code == 403
        assert client.post(reverse(f"{name}_change", args=[instance.pk])).status_code == 403
    row.refresh_from_db()
    assert row.gross == 7


@pytest.mark.parametrize("number", [1, 10, 100])
def test_the_list_takes_as_many_queries_for_a_hundred_rows(client_of, superuser, number):
    DailyFigures.objects.bulk_create(
        DailyFigures(
            seller_key=str(key), product_key="*", country="*", currency="EUR", day=date(2026, 5, 10)
        )
        for key in range(number)
    )
    client = client_of(superuser)
    with assert_query_budget(4):
        client.get(reverse("admin:digitalstore_analytics_dailyfigures_changelist"))
