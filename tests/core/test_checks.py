"""What `manage.py check` says, word for word, about a host's mistakes."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings
from django.urls import reverse

import django_digitalstore
from tests.projects.made import MadeProject

pytestmark = pytest.mark.django_db(databases="__all__")  # checks ask what each of them can

SOURCE = Path(django_digitalstore.__path__[0])


def found(prefix: str = "digitalstore.") -> list[tuple[str | None, str, str | None]]:
    """Run all checks; return id, message and hint of the suite's findings."""
    messages: list[CheckMessage] = run_checks()
    return [(m.id, m.msg, m.hint) for m in messages if (m.id or "").startswith(prefix)]


@contextlib.contextmanager
def import_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


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
        ("shop.Categry", "Did you mean DIGITALSTORE_CATEGORY_MODEL = 'shop.Category'?"),
        (
            "shop.Shelf",
            (
                "Add to the models of the app 'shop': from "
                "django_digitalstore.catalog.abstract_models import AbstractCategory; class "
                "Shelf(AbstractCategory): class Meta(AbstractCategory.Meta): pass"
            ),
        ),
        (
            "atelier.Shelf",
            (
                "The app 'atelier' is not installed. Run `manage.py startstore atelier` and add it "
                "to INSTALLED_APPS, or name your own model in DIGITALSTORE_CATEGORY_MODEL."
            ),
        ),
    ],
)
def test_e002_a_slot_names_a_model_that_exists(value, hint):
    with override_settings(DIGITALSTORE_CATEGORY_MODEL=value):
        assert found("digitalstore.E0") == [
            (
                "digitalstore.E002",
                f"DIGITALSTORE_CATEGORY_MODEL refers to model {value!r}, which is not installed.",
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
    site.add_settings(
        "DIGITALSTORE_TEST_MODE = True\nDIGITALSTORE_UNSUBSCRIBE_URL = ''\n"
        "DIGITALSTORE_PRODCUT_MODEL = 'shop.Product'"
    )
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
            "\tHINT: Write `objects = GuardedManager.from_queryset(GrantQuerySet)()`, with "
            "GuardedManager of django_digitalstore.core.guard, or a queryset of your own that "
            "derives from GrantQuerySet."
        ),
        (
            "shop.Product: (digitalstore.E004) shop.Product lost the constraint "
            "'shop_product_limited_updates_have_days' of AbstractProduct."
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


OVERRIDING_MODELS = """
import dataclasses

from django.db import models

from django_digitalstore.catalog import abstract_models as catalog
from django_digitalstore.entitlements import abstract_models as entitlements
from django_digitalstore.payments import abstract_models as payments


class Category(catalog.AbstractCategory):
    class Meta(catalog.AbstractCategory.Meta):
        pass


class Product(catalog.AbstractProduct):
    objects = models.Manager()

    class Meta(catalog.AbstractProduct.Meta):
        pass

    def get_absolute_url(self):
        return "/"


class Release(catalog.AbstractRelease):
    class Meta(catalog.AbstractRelease.Meta):
        pass


class Asset(catalog.AbstractAsset):
    class Meta(catalog.AbstractAsset.Meta):
        pass


class Quick(models.Model):
    class Meta:
        abstract = True

    def save_base(self, *args, **kwargs):
        models.Model.save_base(self, *args, **kwargs)


class PurchasedProduct(Quick, entitlements.AbstractPurchasedProduct):
    class Meta(entitlements.AbstractPurchasedProduct.Meta):
        pass

    def delete(self, *args, **kwargs):
        return 0, {}


class Grant(entitlements.AbstractGrant):
    class Meta(entitlements.AbstractGrant.Meta):
        pass

    def save(self, *args, **kwargs):
        self.reason = self.reason or "none"
        return super().save(*args, **kwargs)

    @classmethod
    def from_db(cls, db, field_names, values):
        return cls(*values)


class Download(entitlements.AbstractDownload):
    class Meta(entitlements.AbstractDownload.Meta):
        pass


class Order(payments.AbstractOrder):
    guard = dataclasses.replace(payments.AbstractOrder.guard, columns=frozenset())

    class Meta(payments.AbstractOrder.Meta):
        pass

    def get_absolute_url(self):
        return "/"

    @property
    def is_paid(self):
        return self.status == "paid"


class OrderLine(payments.AbstractOrderLine):
    class Meta(payments.AbstractOrderLine.Meta):
        pass


class Payment(payments.AbstractPayment):
    class Meta(payments.AbstractPayment.Meta):
        pass


class Refund(payments.AbstractRefund):
    class Meta(payments.AbstractRefund.Meta):
        pass


class Dispute(payments.AbstractDispute):
    class Meta(payments.AbstractDispute.Meta):
        pass
"""


def test_what_a_hosts_models_override_of_the_flows_is_named(tmp_path):
    site = MadeProject(tmp_path, "catalog", "entitlements", "payments", store="shop")
    site.add_settings("DIGITALSTORE_TEST_MODE = True\nDIGITALSTORE_UNSUBSCRIBE_URL = ''")
    site.write("shop/__init__.py", "")
    site.write("shop/models.py", OVERRIDING_MODELS)
    site.urls.write_text(
        f"{site.urls.read_text()}\nfrom django.urls import include\n"
        "urlpatterns += [path('store/', include('django_digitalstore.urls'))]\n"
    )

    done = site.manage("check")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "SystemCheckError: System check identified some issues:",
        "",
        "ERRORS:",
        (
            "shop.Grant: (digitalstore.E015) shop.Grant.from_db() does not call "
            "super().from_db(): the flows of entitlements.flows would believe that it was done."
        ),
        "\tHINT: Write `return super().from_db(…)` in Grant.from_db().",
        (
            "shop.Order: (digitalstore.E014) shop.Order.guard is overridden, and payments.flows "
            "relies on it: what AbstractOrder promises would not hold."
        ),
        (
            "\tHINT: Remove guard from Order: payments.flows writes what you want to write, and "
            "has_access() says who may use what."
        ),
        (
            "shop.Order: (digitalstore.E014) shop.Order.is_paid is overridden, and "
            "payments.flows relies on it: what AbstractOrder promises would not hold."
        ),
        (
            "\tHINT: Remove is_paid from Order: payments.flows writes what you want to write, "
            "and has_access() says who may use what."
        ),
        (
            "shop.Product: (digitalstore.E017) shop.Product has a default manager whose "
            "queryset is not a ProductQuerySet: the suite's questions to it would fail."
        ),
        (
            "\tHINT: Derive its queryset from ProductQuerySet of "
            "django_digitalstore.catalog.abstract_models, or leave `objects` out of Product."
        ),
        (
            "shop.PurchasedProduct: (digitalstore.E014) shop.PurchasedProduct.save_base is "
            "overridden, and entitlements.flows relies on it: what AbstractPurchasedProduct "
            "promises would not hold."
        ),
        (
            "\tHINT: Remove save_base from Quick: entitlements.flows writes what you want to "
            "write, and has_access() says who may use what."
        ),
        (
            "shop.PurchasedProduct: (digitalstore.E015) shop.PurchasedProduct.delete() does not "
            "call super().delete(): the flows of entitlements.flows would believe that it was "
            "done."
        ),
        "\tHINT: Write `return super().delete(…)` in PurchasedProduct.delete().",
        "",
        "System check identified 6 issues (0 silenced).",
    ]


class Elsewhere:
    """Takes the library of the customers to a database of its own."""

    def db_for_write(self, model, **hints):
        return "elsewhere" if model.__name__ in {"PurchasedProduct", "Mutex"} else None


def test_e018_no_router_parts_the_tables_of_a_flow():
    with override_settings(DATABASE_ROUTERS=["tests.core.test_checks.Elsewhere"]):
        assert found() == [
            (
                "digitalstore.E018",
                (
                    f"DATABASE_ROUTERS writes {label} to 'elsewhere', and the flows' transactions "
                    f"are on 'default': money and access could come apart."
                ),
                f"Let db_for_write() return None or 'default' for the app {app!r}.",
            )
            for label, app in [
                ("digitalstore_core.Mutex", "digitalstore_core"),
                ("shop.PurchasedProduct", "shop"),
            ]
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


def test_e016_times_have_a_time_zone():
    with override_settings(USE_TZ=False):
        assert found() == [
            (
                "digitalstore.E016",
                (
                    "USE_TZ is False: local time has an hour twice each autumn, and then the facts "
                    "about a payment could not be put in order."
                ),
                (
                    "Write USE_TZ = True. On a site with data in local time, first read "
                    "'Time zones' of Django's documentation (Migration guide)."
                ),
            )
        ]


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
        ((check_id, message, hint),) = found("digitalstore.E3")
    assert (check_id, hint) == ("digitalstore.E303", None)
    assert message == (
        "DIGITALSTORE_FULFILMENTS['product']: 'atelier.Missing' can't be imported: No module named "
        "'atelier'."
    )


I18N_URLS = """
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("store/", include("django_digitalstore.urls")))
"""


@pytest.mark.needs("payments")
def test_e305_the_webhook_has_one_address_in_all_languages(tmp_path):
    (tmp_path / "translated_urls.py").write_text(I18N_URLS)
    with override_settings(ROOT_URLCONF="translated_urls"), import_path(tmp_path):
        assert found("digitalstore.E3") == [
            (
                "digitalstore.E305",
                (
                    "The webhook of the payments lies under i18n_patterns(): its address would "
                    "depend on the language of who asks, and a provider has none."
                ),
                (
                    "Move path('store/', include('django_digitalstore.urls')) out of "
                    "i18n_patterns(), into a plain urlpatterns."
                ),
            )
        ]


@pytest.mark.needs("payments")
def test_w306_a_webhook_is_not_redirected():
    path = reverse("digitalstore_payments:webhook", args=["default"])
    exempt = rf"^{path[1:]}$"

    def warnings() -> list[tuple[str | None, str, str | None]]:
        messages = run_checks(include_deployment_checks=True)
        return [(m.id, m.msg, m.hint) for m in messages if m.id == "digitalstore.W306"]

    with override_settings(SECURE_SSL_REDIRECT=True, SECURE_PROXY_SSL_HEADER=None):
        assert warnings() == [
            (
                "digitalstore.W306",
                (
                    f"SECURE_SSL_REDIRECT is on, and Django is not told how it sees that a request "
                    f"came by HTTPS: behind a proxy the webhook {path} is redirected to itself, "
                    f"and payments never arrive."
                ),
                (
                    "Write SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https') where "
                    "your proxy sets this header and takes it from nobody else; or "
                    f"SECURE_REDIRECT_EXEMPT = [r'{exempt}']."
                ),
            )
        ]
        with override_settings(SECURE_REDIRECT_EXEMPT=[exempt]):
            assert warnings() == []
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
            assert warnings() == []


# --- ids --------------------------------------------------------------------------------------

#: Checks that say one thing in several places: of an address that is missing or wrong, of settings
#: or options that have no value of their kind.
SHARED = {
    *("digitalstore.E007", "digitalstore.E008", "digitalstore.E107", "digitalstore.E201"),
    *("digitalstore.E211", "digitalstore.E402", "digitalstore.E525", "digitalstore.E526"),
}
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
