"""The how-to of Dodo Payments: what it writes is loaded, and its table is the backend's."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import pytest
from django.test import override_settings

from django_digitalstore.contrib.dodopayments import DodoPaymentsBackend
from django_digitalstore.payments.backends import payment_backends
from tests.projects.made import ROOT

PAGE = (ROOT / "docs" / "how-to" / "take-payments-with-dodo-payments.md").read_text("utf-8")
BLOCKS = [
    textwrap.dedent(block)
    for block in re.findall(r"^ *```python\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
]
SECRETS = {
    "DODO_API_KEY": "live-key",
    "DODO_WEBHOOK_SECRET": "whsec_" + "A" * 40,
    "DODO_TEST_API_KEY": "test-key",
    "DODO_TEST_WEBHOOK_SECRET": "whsec_" + "B" * 40,
}


def written(block: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {"__name__": "shop.views.payments"}
    exec(compile(block, "how-to", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("number", "alias", "environment", "test_mode"),
    [(0, "default", "live_mode", False), (1, "dodo-test", "test_mode", True)],
)
def test_the_settings_are_loaded_and_nothing_is_missing(
    monkeypatch, number, alias, environment, test_mode
):
    names = written(BLOCKS[number], monkeypatch)
    given = {name: value for name, value in names.items() if name.startswith("DIGITALSTORE_")}
    with override_settings(**{"DIGITALSTORE_TEST_MODE": test_mode, **given}):
        backend = payment_backends[alias]
        assert payment_backends.check() == []
    assert isinstance(backend, DodoPaymentsBackend)
    assert backend.environment == environment


def test_the_views_are_whole(monkeypatch):
    names = written(BLOCKS[2], monkeypatch)
    for name in ("OrderInvoiceView", "CustomerPortalView"):
        assert names[name].as_view()


def test_there_are_no_other_blocks():
    assert len(BLOCKS) == 3


def test_the_table_names_every_option_and_its_default():
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", PAGE, re.MULTILINE))
    hidden = {"BASE_URL"}
    options = DodoPaymentsBackend._collect("known_options") | {"ENVIRONMENT"}
    assert set(rows) == options - hidden
    backend = DodoPaymentsBackend("default", {"ENVIRONMENT": "test_mode"})
    assert {name: rows[name] for name in rows if rows[name].startswith("`")} == {
        "TAX_INCLUSIVE": f"`{backend.tax_inclusive}`",
        "TAX_CATEGORY": f'`"{backend.tax_category}"`',
        "ALLOW_DISCOUNT_CODES": f"`{backend.allow_discount_codes}`",
        "ALLOW_CURRENCY_SELECTION": f"`{backend.allow_currency_selection}`",
        "TIMEOUT": f"`{backend.timeout}`",
    }
