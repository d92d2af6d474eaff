"""Keys of the host that point at a row which comes and goes."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import models
from django.test import override_settings
from django.test.utils import isolate_apps

from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.checks import check_download_log, check_keys_to_purchases


def test_the_suite_itself_has_no_such_key() -> None:
    assert check_keys_to_purchases(None) == []


def test_a_key_that_would_block_or_cascade_a_revocation_is_named(monkeypatch) -> None:
    purchases = get_purchased_product_model()
    with isolate_apps("django.contrib.auth"):

        class Certificate(models.Model):
            purchase = models.ForeignKey(purchases, on_delete=models.CASCADE, related_name="+")

            class Meta:
                app_label = "auth"

    relation = Certificate._meta.get_field("purchase").remote_field
    monkeypatch.setattr(purchases._meta, "related_objects", (relation,), raising=False)
    (error,) = check_keys_to_purchases(None)
    assert error.id == "digitalstore.E202"
    assert error.msg == (
        f"auth.Certificate.purchase points at {settings.DIGITALSTORE_PURCHASED_PRODUCT_MODEL}, "
        f"whose rows go when access ends, with on_delete=CASCADE."
    )
    assert error.hint == (
        "Write on_delete=models.SET_NULL, null=True, or point at user and product, which stay."
    )


WRONG = [
    (
        "DOWNLOAD_LOG_ADDRESS",
        "ful",
        "is 'ful', so the log keeps no address.",
        "Write 'full', 'truncated' or 'none'.",
    ),
    (
        "DOWNLOAD_LOG_AGE",
        90,
        "is 90, which is no time.",
        "Write a timedelta, as in timedelta(days=90), or None to keep it for ever.",
    ),
    (
        "DOWNLOAD_LINK_AGE",
        None,
        "is None, which is no time.",
        "Write a timedelta, as in timedelta(days=90).",
    ),
    (
        "DOWNLOAD_RESUME_AGE",
        None,
        "is None, which is no time.",
        "Write a timedelta, as in timedelta(days=90).",
    ),
    (
        "UPDATE_DAYS",
        "30",
        "is '30', which is no whole number from 0 up.",
        "Write a whole number, or None for no limit.",
    ),
    (
        "DOWNLOAD_LIMIT",
        -1,
        "is -1, which is no whole number from 0 up.",
        "Write a whole number, or None for no limit.",
    ),
    (
        "DOWNLOAD_LIMIT",
        True,
        "is True, which is no whole number from 0 up.",
        "Write a whole number, or None for no limit.",
    ),
]


@pytest.mark.parametrize(("name", "value", "problem", "hint"), WRONG)
def test_a_wrong_setting_of_the_log_or_of_a_limit_is_named(name, value, problem, hint) -> None:
    with override_settings(**{f"DIGITALSTORE_{name}": value}):
        (error,) = check_download_log(None)
    assert (error.id, error.msg, error.hint) == (
        "digitalstore.E211",
        f"DIGITALSTORE_{name} {problem}",
        hint,
    )


def test_what_the_settings_may_be_is_right() -> None:
    assert check_download_log(None) == []
    with override_settings(
        DIGITALSTORE_DOWNLOAD_LOG_ADDRESS="none",
        DIGITALSTORE_DOWNLOAD_LOG_AGE=None,
        DIGITALSTORE_UPDATE_DAYS=0,
        DIGITALSTORE_DOWNLOAD_LIMIT=5,
    ):
        assert check_download_log(None) == []
