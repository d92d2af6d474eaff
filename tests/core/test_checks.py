"""What `manage.py check` says, word for word, about a host's mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

import django_digitalstore
from tests.projects.made import MadeProject

pytestmark = pytest.mark.django_db

SOURCE = Path(django_digitalstore.__path__[0])


def found(prefix: str = "digitalstore.") -> list[tuple[str | None, str, str | None]]:
    """Run all checks; return id, message and hint of the suite's findings."""
    messages: list[CheckMessage] = run_checks()
    return [(m.id, m.msg, m.hint) for m in messages if (m.id or "").startswith(prefix)]


def test_a_right_project_has_no_findings():
    assert run_checks() == []


# --- model slots ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["Product", "shop.models.Product", 7])
def test_e001_a_slot_is_an_app_label_and_a_name(value):
    with override_settings(DIGITALSTORE_PRODUCT_MODEL=value):
        assert found("digitalstore.E0") == [
            (
                "digitalstore.E001",
                (
                    "DIGITALSTORE_PRODUCT_MODEL must be of the form 'app_label.ModelName', "
                    f"not {value!r}."
                ),
                (
                    "For a model Product in the app shop write DIGITALSTORE_PRODUCT_MODEL = "
                    "'shop.Product'."
                ),
            )
        ]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("shop.Prodct", "Did you mean DIGITALSTORE_PRODUCT_MODEL = 'shop.Product'?"),
        (
            "shop.Wares",
            (
                "Add to the models of the app 'shop': from "
                "django_digitalstore.catalog.abstract_models import AbstractProduct; class "
                "Wares(AbstractProduct): class Meta(AbstractProduct.Meta): pass"
            ),
        ),
        (
            "library.Ebook",
            (
                "The app 'library' is not installed. Run `manage.py startstore library` and add it "
                "to INSTALLED_APPS, or name your own model in DIGITALSTORE_PRODUCT_MODEL."
            ),
        ),
    ],
)
def test_e002_a_slot_names_a_model_that_exists(value, hint):
    with override_settings(DIGITALSTORE_PRODUCT_MODEL=value):
        assert found("digitalstore.E0") == [
            (
                "digitalstore.E002",
                f"DIGITALSTORE_PRODUCT_MODEL refers to model {value!r}, which is not installed.",
                hint,
            )
        ]


def test_e003_a_slots_model_has_the_right_base():
    with override_settings(DIGITALSTORE_PRODUCT_MODEL="shop.Category"):
        assert found("digitalstore.E0") == [
            (
                "digitalstore.E003",
                (
                    "DIGITALSTORE_PRODUCT_MODEL refers to 'shop.Category', which is not a subclass "
                    "of AbstractProduct."
                ),
                "Make it inherit from django_digitalstore.catalog.abstract_models.AbstractProduct.",
            )
        ]


HOST_MODELS = """
from django.db import models

from django_digitalstore.catalog import abstract_models as catalog
from django_digitalstore.entitlements import abstract_models as entitlements


class Category(catalog.AbstractCategory):
    class Meta(catalog.AbstractCategory.Meta):
        pass


class Product(catalog.AbstractProduct):
    class Meta:  # the base's is lost
        ordering = ["title"]

    def get_absolute_url(self):
        return "/"


class Release(catalog.AbstractRelease):
    class Meta(catalog.AbstractRelease.Meta):
        pass


class Asset(catalog.AbstractAsset):
    class Meta(catalog.AbstractAsset.Meta):
        pass


class PurchasedProduct(entitlements.AbstractPurchasedProduct):
    class Meta(entitlements.AbstractPurchasedProduct.Meta):
        pass


class Grant(entitlements.AbstractGrant):
    objects = models.Manager()  # guards nothing

    class Meta(entitlements.AbstractGrant.Meta):
        pass


class Download(entitlements.AbstractDownload):
    class Meta(entitlements.AbstractDownload.Meta):
        pass


class Rating(models.Model):
    purchase = models.ForeignKey(PurchasedProduct, on_delete=models.CASCADE)
"""


def test_what_a_hosts_models_lost_is_named(tmp_path):
    site = MadeProject(tmp_path, "catalog", "entitlements", store="shop")
    site.add_settings("DIGITALSTORE_TEST_MODE = True\nDIGITALSTORE_PRODCUT_MODEL = 'shop.Product'")
    site.write("shop/__init__.py", "")
    site.write("shop/models.py", HOST_MODELS)

    done = site.manage("check")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "SystemCheckError: System check identified some issues:",
        "",
        "ERRORS:",
        (
            "?: (digitalstore.E012) DIGITALSTORE_PRODCUT_MODEL is not a setting of the installed "
            "features."
        ),
        "\tHINT: Did you mean DIGITALSTORE_PRODUCT_MODEL?",
        (
            "shop.Grant: (digitalstore.E006) shop.Grant has a default manager that is not guarded: "
            "it would let anybody write what only entitlements.flows may write."
        ),
        (
            "\tHINT: Derive the manager from GrantManager of "
            "django_digitalstore.entitlements.abstract_models."
        ),
        (
            "shop.Product: (digitalstore.E004) shop.Product lost the constraint "
            "'shop_product_price_not_negative' of AbstractProduct."
        ),
        "\tHINT: Write `class Meta(AbstractProduct.Meta):` in Product.",
        "shop.Product: (digitalstore.E005) shop.Product lost an index of AbstractProduct.",
        "\tHINT: Write `class Meta(AbstractProduct.Meta):` in Product.",
        (
            "shop.Rating.purchase: (digitalstore.E202) shop.Rating.purchase points at "
            "shop.PurchasedProduct, whose rows go when access ends, with on_delete=CASCADE."
        ),
        (
            "\tHINT: Write on_delete=models.SET_NULL, null=True, or point at user and product, "
            "which stay."
        ),
        "",
        "System check identified 5 issues (0 silenced).",
    ]


# --- roles, addresses, names ------------------------------------------------------------------

ROLE_HINT = "Write the dotted path of a function that takes a user and returns a bool."


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        (
            "atelier.roles.is_affiliat",
            "DIGITALSTORE_ROLES['affiliate'] can't be imported: No module named 'atelier'.",
        ),
        (
            "django_digitalstore.core.roles.SELLER",
            (
                "DIGITALSTORE_ROLES['affiliate'] names 'django_digitalstore.core.roles.SELLER', "
                "which can't be called."
            ),
        ),
    ],
)
def test_e007_a_roles_predicate_is_a_function(predicate, message):
    with override_settings(DIGITALSTORE_ROLES={"affiliate": predicate}):
        assert found() == [("digitalstore.E007", message, ROLE_HINT)]


def test_e008_a_live_site_says_its_address():
    with override_settings(
        DIGITALSTORE_SITE_URL=None,
        DIGITALSTORE_TEST_MODE=False,
    ):
        assert found("digitalstore.E008") == [
            (
                "digitalstore.E008",
                (
                    "DIGITALSTORE_SITE_URL is not set, and every link in e-mails and at payment "
                    "providers needs it. Write DIGITALSTORE_SITE_URL = "
                    "'https://shop.example.com', or DIGITALSTORE_TEST_MODE = DEBUG while you "
                    "develop."
                ),
                None,
            )
        ]


@pytest.mark.parametrize("value", ["shop.example.com", "https://example.com/shop"])
def test_e008_an_address_is_scheme_and_host(value):
    with override_settings(DIGITALSTORE_SITE_URL=value):
        assert found() == [
            (
                "digitalstore.E008",
                f"DIGITALSTORE_SITE_URL must be scheme and host, not {value!r}.",
                "Write DIGITALSTORE_SITE_URL = 'https://shop.example.com'.",
            )
        ]


def test_e009_the_queue_for_the_outbox_exists():
    with override_settings(DIGITALSTORE_TASKS="letters"):
        ((check_id, message, hint),) = found()
    assert (check_id, hint) == ("digitalstore.E009", None)
    assert message.startswith("DIGITALSTORE_TASKS")  # whole messages: tests/core/test_outbox.py


def test_e012_a_misspelt_setting_is_named():
    with override_settings(DIGITALSTORE_SITE_ULR="https://shop.example.com"):
        assert found() == [
            (
                "digitalstore.E012",
                "DIGITALSTORE_SITE_ULR is not a setting of the installed features.",
                "Did you mean DIGITALSTORE_SITE_URL?",
            )
        ]


def test_e012_an_invented_setting_is_answered_with_the_settings_that_are():
    with override_settings(DIGITALSTORE_MAKE_ME_RICH=True):
        ((_, message, hint),) = found()
    assert message == "DIGITALSTORE_MAKE_ME_RICH is not a setting of the installed features."
    assert hint is not None
    assert hint.startswith("Remove it; the settings are: DIGITALSTORE_")
    assert "DIGITALSTORE_SITE_URL" in hint


# --- catalog, entitlements, payments ----------------------------------------------------------


def test_e101_a_live_sites_files_have_a_storage():
    with override_settings(
        DIGITALSTORE_TEST_MODE=False, DIGITALSTORE_SITE_URL="https://shop.example.com"
    ):
        assert found("digitalstore.E1") == [
            (
                "digitalstore.E101",
                "DIGITALSTORE_STORAGE names 'digitalstore', which STORAGES does not have.",
                (
                    "Write STORAGES['digitalstore'] = {'BACKEND': "
                    "'django_digitalstore.catalog.storage.PrivateFileSystemStorage', 'OPTIONS': "
                    "{'location': '/a/private/folder'}}, or "
                    "DIGITALSTORE_TEST_MODE = DEBUG while you develop."
                ),
            )
        ]


def test_e201_delivery_has_the_alias_that_the_download_view_uses():
    streaming = {
        "BACKEND": "django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend"
    }
    with override_settings(DIGITALSTORE_DELIVERY={"fast": streaming}):
        assert found() == [
            (
                "digitalstore.E201",
                "DIGITALSTORE_DELIVERY has no alias 'default', which the download view uses.",
                (
                    "Write DIGITALSTORE_DELIVERY = {'default': {'BACKEND': "
                    "'django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend'"
                    "}}."
                ),
            )
        ]


@pytest.mark.needs("payments")
def test_e301_a_payment_backend_exists():
    with override_settings(DIGITALSTORE_PAYMENTS={"default": {"BACKEND": "atelier.pay.Backend"}}):
        ((check_id, message, _),) = found()
    assert check_id == "digitalstore.E301"
    assert message == (
        "DIGITALSTORE_PAYMENTS['default']: BACKEND 'atelier.pay.Backend' can't be imported: No "
        "module named 'atelier'. Write the dotted path of a class that exists."
    )


@pytest.mark.needs("payments")
def test_e303_a_fulfilment_exists():
    with override_settings(DIGITALSTORE_FULFILMENTS={"product": "atelier.Missing"}):
        ((check_id, message, hint),) = found()
    assert (check_id, hint) == ("digitalstore.E303", None)
    assert message == (
        "DIGITALSTORE_FULFILMENTS['product']: 'atelier.Missing' can't be imported: No module named "
        "'atelier'."
    )


# --- ids --------------------------------------------------------------------------------------

#: Checks that say one thing in two places, as of an address that is missing, or wrong.
SHARED = {"digitalstore.E007", "digitalstore.E008", "digitalstore.E201"}
NUMBERS = {
    "core": "0",
    "accounts": "0",
    "catalog": "1",
    "entitlements": "2",
    "payments": "3",
    "support": "4",
    "contrib": "5",
}


def ids_in_source() -> list[tuple[str, str]]:
    """Return (feature, id) of every id that is written in the code."""
    return [
        (path.relative_to(SOURCE).parts[0], check_id)
        for path in sorted(SOURCE.rglob("*.py"))
        for check_id in re.findall(r'"(digitalstore\.[EW]\d{3})"', path.read_text("utf-8"))
    ]


def test_every_id_belongs_to_one_check():
    ids = [check_id for _, check_id in ids_in_source()]
    assert {i for i in ids if ids.count(i) > 1} <= SHARED


def test_every_id_has_the_number_of_its_feature():
    wrong = [(f, i) for f, i in ids_in_source() if i[len("digitalstore.E")] != NUMBERS[f]]
    assert wrong == []
