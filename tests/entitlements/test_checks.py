"""Keys of the host that point at a row which comes and goes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.test.utils import isolate_apps

from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.checks import check_keys_to_purchases


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
