"""``manage.py startstore``: from a site without a store to one that sells, unedited."""

from __future__ import annotations

import filecmp
import re
from pathlib import Path

import pytest

from tests.projects import regenerate
from tests.projects.made import ROOT, SELLING, SHIPPED, MadeProject, paste, section

pytestmark = pytest.mark.slow  # each test makes a site of its own

PRINTED = """
Add to INSTALLED_APPS in your settings:

    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "shop",

Add below, in the same file:

    DIGITALSTORE_STORE_APP = "shop"
    DIGITALSTORE_TEST_MODE = DEBUG  # play money, files in a local folder
    DIGITALSTORE_SITE_URL = None if DEBUG else "https://shop.example.com"  # yours
    LOGIN_REDIRECT_URL = "shop:library"
    LOGOUT_REDIRECT_URL = "shop:product_list"

Add to urlpatterns in your urls.py (with `from django.urls import include, path`):

    path("accounts/", include("django.contrib.auth.urls")),  # unless you have a log-in
    path("store/", include("django_digitalstore.urls")),
    path("", include("shop.urls")),

Then run:

    python manage.py makemigrations shop
    python manage.py migrate
    python manage.py test shop
    python manage.py createsuperuser
    python manage.py digitalstore_seller <username>  # who may sell
    python manage.py runserver

Sell at seller/ of the store. Files: in the admin, a release with “Published at” set.
Customers: in the admin, until your site has a sign-up, as django-allauth has.
"""


def test_a_site_sells_by_what_the_command_writes_and_prints(tmp_path):
    site = MadeProject(tmp_path)  # only the core is in INSTALLED_APPS

    printed = site.must("startstore", "shop")
    wrote, _, rest = printed.partition("\n")
    files = sum(1 for path in (tmp_path / "shop").rglob("*") if path.is_file())
    assert wrote == f"Wrote {files} files into {tmp_path / 'shop'}"
    assert rest == PRINTED

    paste(site, printed)
    assert site.must("check") == "System check identified no issues (0 silenced).\n"
    site.must("makemigrations", "shop")
    site.must("migrate")
    assert site.must("makemigrations", "--check", "--dry-run") == "No changes detected\n"
    tests = site.manage("test", "shop")  # one of them is a sale
    assert tests.returncode == 0, tests.stderr
    assert "OK" in tests.stderr.splitlines()

    missing = site.manage("digitalstore_seller", "ada")
    assert missing.stderr == (
        "CommandError: digitalstore_seller – there is no user whose username is 'ada' – "
        "`manage.py createsuperuser` makes one.\n"
    )
    make = "from django.contrib.auth.models import User; User.objects.create_user('ada')"
    site.must("shell", "-c", make)
    assert site.must("digitalstore_seller", "ada") == "ada may sell.\n"
    assert site.must("digitalstore_seller", "ada") == "ada may sell.\n"


def test_the_first_seller_comes_after_the_first_migration(tmp_path):
    site = MadeProject(tmp_path)
    site.add_settings("DIGITALSTORE_TEST_MODE = DEBUG")
    site.must("migrate")
    assert site.manage("digitalstore_seller", "ada").stderr == (
        "CommandError: digitalstore_seller – there is no permission 'shop.sell_product' yet – run "
        "`manage.py migrate` first, and see that 'shop' is the app of your product model "
        "(DIGITALSTORE_PRODUCT_MODEL), whose Meta inherits AbstractProduct.Meta.\n"
    )


def test_it_runs_while_the_features_are_installed_and_their_models_missing(tmp_path):
    site = MadeProject(tmp_path, *SHIPPED)
    assert site.manage("check").returncode == 1
    printed = site.must("startstore", "shop")
    assert section(printed, "Add to INSTALLED_APPS in your settings:") == ['"shop",']
    paste(site, printed)
    site.must("check")


def test_it_writes_for_the_installed_features_only(tmp_path):
    site = MadeProject(tmp_path, "catalog")
    paste(site, site.must("startstore", "shop"))
    site.must("check")
    assert [p.name for p in sorted((tmp_path / "shop" / "models").iterdir())] == [
        "__init__.py",
        "catalog.py",
    ]
    site.must("makemigrations", "shop")
    tests = site.manage("test", "shop")
    assert tests.returncode == 0, tests.stderr


def test_the_app_may_have_another_name_and_lie_inside_a_package(tmp_path):
    site = MadeProject(tmp_path)
    site.write("apps/__init__.py", "")
    printed = site.must("startstore", "apps.atelier")
    paste(site, printed)
    site.must("check")
    assert not [
        path
        for path in (tmp_path / "apps" / "atelier").rglob("*")
        if path.is_file() and ("__store" in path.read_text() or "shop:" in path.read_text())
    ]
    site.must("makemigrations", "atelier")
    tests = site.manage("test", "apps.atelier")
    assert tests.returncode == 0, tests.stderr


def test_nothing_is_overwritten_and_nothing_is_half_written(tmp_path):
    site = MadeProject(tmp_path)
    site.write("here/models/catalog.py", "# mine\n")
    done = site.manage("startstore", "shop", "here")
    assert done.stderr == (
        f"CommandError: startstore – {tmp_path / 'here/models/catalog.py'} exists, and nothing is "
        f"overwritten; no file was written – choose another name or directory, or move that file "
        f"away.\n"
    )
    assert [p for p in (tmp_path / "here").rglob("*") if p.is_file()] == [
        tmp_path / "here/models/catalog.py"
    ]
    assert (tmp_path / "here/models/catalog.py").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "my-shop",
            (
                "'my-shop' is not a name that Python can import – use letters, digits and "
                "underscores, as in 'shop'."
            ),
        ),
        (
            "class",
            (
                "'class' is not a name that Python can import – use letters, digits and "
                "underscores, as in 'shop'."
            ),
        ),
        (
            "Shop",
            ("'Shop' has capital letters, which names of tables and URLs don't – write 'shop'."),
        ),
        (
            "json",
            "'json' is the name of a Python module that exists already – choose another name.",
        ),
        (
            "auth",
            "INSTALLED_APPS has an app with the label 'auth' already – choose another name.",
        ),
    ],
)
def test_a_bad_name_is_refused(tmp_path, name, message):
    done = MadeProject(tmp_path).manage("startstore", name)
    assert done.stderr == f"CommandError: startstore – {message}\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["site_settings.py", "site_urls.py"]


def test_a_missing_package_is_named(tmp_path):
    done = MadeProject(tmp_path).manage("startstore", "apps.shop")
    assert done.stderr == (
        f"CommandError: startstore – there is no folder {tmp_path / 'apps'} for 'apps.shop' – make "
        f"it, or name the directory: `manage.py startstore apps.shop path/to/the/app`.\n"
    )


# --- sites that are there already -------------------------------------------------------------

BASE = """\
<!doctype html>
<title>{% block title %}Press{% endblock %}</title>
<body class="ours">{% block content %}{% endblock %}</body>
"""
EBOOK = """\
from django.db import models


class Ebook(models.Model):
    title = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    pages = models.PositiveIntegerField(default=1)
"""
ADOPTED = """\
from django.db import models
from django.urls import reverse

from django_digitalstore.catalog.abstract_models import AbstractProduct


class Ebook(AbstractProduct):
    title = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    pages = models.PositiveIntegerField(default=1)

    class Meta(AbstractProduct.Meta):
        pass

    def get_absolute_url(self):
        return reverse("shop:product_detail", kwargs={"slug": self.slug})
"""
PRINTED_FOR_A_SITE = """
Add to INSTALLED_APPS in your settings:

    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "shop",

Add below, in the same file:

    DIGITALSTORE_STORE_APP = "shop"
    DIGITALSTORE_PRODUCT_MODEL = "library.Ebook"
    DIGITALSTORE_TEST_MODE = DEBUG  # play money, files in a local folder
    DIGITALSTORE_SITE_URL = None if DEBUG else "https://shop.example.com"  # yours

Change the base and the Meta of Ebook in library.models; its own fields stay as they are:

    from django.urls import reverse

    from django_digitalstore.catalog.abstract_models import AbstractProduct

    class Ebook(AbstractProduct):
        class Meta(AbstractProduct.Meta):
            pass  # and what your Meta has; the plural is “products” else

        def get_absolute_url(self):
            return reverse("shop:product_detail", kwargs={"slug": self.slug})

Register Ebook in the admin of its app, where its status and its seller have rules:

    from django.contrib import admin

    from django_digitalstore.catalog.admin import AbstractProductAdmin

    from library.models import Ebook

    @admin.register(Ebook)
    class EbookAdmin(AbstractProductAdmin):
        pass

What to expect of the migration:

    title – yours stays.
    slug – yours stays.
    created_at – asked: choose 1 and press Enter (timezone.now).
    status – your rows become drafts of the site, and free: in the admin, write their
    prices, then publish them.

Add to urlpatterns in your urls.py (with `from django.urls import include, path`):

    path("accounts/", include("django.contrib.auth.urls")),  # unless you have a log-in
    path("store/", include("django_digitalstore.urls")),
    path("shop/", include("shop.urls")),

Then run:

    python manage.py makemigrations shop library
    python manage.py migrate
    python manage.py test shop
    python manage.py createsuperuser
    python manage.py digitalstore_seller <username>  # who may sell
    python manage.py runserver

Sell at seller/ of the store. Files: in the admin, a release with “Published at” set.
Customers: in the admin, until your site has a sign-up, as django-allauth has.
"""


ADDED = """
Add to INSTALLED_APPS in your settings:

    "django_digitalstore.payments",

Change in shop/admin/__init__.py (+ is what comes, - what goes):

    @@ -2,4 +2,4 @@

    -from . import catalog, entitlements
    +from . import catalog, entitlements, payments

    -__all__ = ["catalog", "entitlements"]
    +__all__ = ["catalog", "entitlements", "payments"]

Change in shop/models/__init__.py (+ is what comes, - what goes):

    @@ -4,2 +4,3 @@
     from .entitlements import Download, Grant, PurchasedProduct
    +from .payments import Dispute, Order, OrderLine, Payment, Refund

    @@ -8,6 +9,11 @@
         "Category",
    +    "Dispute",
         "Download",
         "Grant",
    +    "Order",
    +    "OrderLine",
    +    "Payment",
         "Product",
         "PurchasedProduct",
    +    "Refund",
         "Release",

Change in shop/urls/__init__.py (+ is what comes, - what goes):

    @@ -2,3 +2,3 @@

    -from . import catalog, entitlements
    +from . import catalog, entitlements, payments

    @@ -9,2 +9,3 @@
         *entitlements.urlpatterns,
    +    *payments.urlpatterns,
     ]

Change in shop/views/catalog.py (+ is what comes, - what goes):

    @@ -50,3 +50,3 @@
         changelog_url = "shop:product_changelog"
    -    checkout_url = ""  # nothing can be bought here, so there is no button
    +    checkout_url = "shop:checkout"
         extra_context = {"library_url": reverse_lazy("shop:library")}

Then run:

    python manage.py makemigrations shop
    python manage.py migrate
    python manage.py test shop
"""


def press(folder: Path, *features: str) -> MadeProject:
    """A site with a base template, a log-in page and an app ``library``."""
    site = MadeProject(folder, *features)
    site.write("library/__init__.py", "")
    site.write("library/migrations/__init__.py", "")
    site.write("library/models.py", EBOOK)
    site.write("library/templates/base.html", BASE)
    site.write("library/templates/registration/login.html", "{{ form }}")
    site.add_settings('INSTALLED_APPS += ["library"]')
    return site


def python(site: MadeProject, code: str) -> str:
    return site.must("shell", "--verbosity=0", "-c", code)


def test_a_site_with_data_its_own_product_and_its_own_pages_sells(tmp_path):
    site = press(tmp_path)
    site.add_settings("DIGITALSTORE_TEST_MODE = DEBUG")
    site.must("makemigrations", "library")
    site.must("migrate")
    python(
        site,
        "from library.models import Ebook; "
        "Ebook.objects.create(title='Ours', slug='ours', pages=7)",
    )

    printed = site.must(
        "startstore", "shop", "--product", "library.Ebook", "--base-template", "base.html"
    )
    assert printed.partition("\n")[2] == PRINTED_FOR_A_SITE
    assert not (tmp_path / "shop" / "templates").exists()
    assert not (tmp_path / "shop" / "static").exists()

    paste(site, printed)
    site.write("library/models.py", ADOPTED)
    assert site.must("check") == "System check identified no issues (0 silenced).\n"
    site.must("makemigrations", "shop", "library", answers="1\n\n")  # what was said
    site.must("migrate")
    assert site.must("makemigrations", "--check", "--dry-run") == "No changes detected\n"
    row = "from library.models import Ebook; b = Ebook.objects.get(); "
    assert python(site, row + "print(b.title, b.pages, b.status)") == "Ours 7 draft\n"

    tests = site.manage("test", "shop")
    assert tests.returncode == 0, tests.stderr
    python(site, "from django.contrib.auth.models import User; User.objects.create_user('ada')")
    assert site.must("digitalstore_seller", "ada") == "ada may sell.\n"
    holds = "from django.contrib.auth.models import User; u = User.objects.get(); "
    assert python(site, holds + "print(u.has_perm('library.sell_product'))") == "True\n"
    page = "from django.test import Client; print(b'ours' in Client().get('/shop/').content)"
    assert python(site, page) == "True\n"


BUSY_EBOOK = """\
from django.conf import settings
from django.db import models
from django.urls import reverse


class Ebook(models.Model):
    title = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    author = models.CharField(max_length=80)
    isbn = models.CharField(max_length=13, blank=True)
    pages = models.PositiveIntegerField(default=1)
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)

    def get_absolute_url(self):
        return reverse("ebook", args=[self.slug])
"""
PRINTED_FOR_A_BUSY_SITE = """\
    class Ebook(AbstractProduct):
        class Meta(AbstractProduct.Meta):
            pass  # and what your Meta has; the plural is “products” else

The store links to get_absolute_url() of Ebook, which is a page of yours.
Name the one with the button to buy:

        def get_absolute_url(self):
            return reverse("shop:product_detail", kwargs={"slug": self.slug})

Or keep yours, and put this on its page:

    <a href="{% url 'shop:product_detail' slug=ebook.slug %}">Buy</a>

Register Ebook in the admin of its app, where its status and its seller have rules:

    from django.contrib import admin

    from django_digitalstore.catalog.admin import AbstractProductAdmin

    from library.models import Ebook

    @admin.register(Ebook)
    class EbookAdmin(AbstractProductAdmin):
        pass

What Ebook has already:

    author – required: shop/forms/catalog.py has it; give it to make_product() in shop/tests.
    library/ebook_list.html – yours stays: shop/views/catalog.py names the store's own.
    library/ebook_form.html – yours stays: shop/views/catalog.py names the store's own.

What to expect"""


def test_what_a_site_does_with_its_model_already_is_not_in_the_stores_way(tmp_path):
    site = press(tmp_path)
    site.write("library/models.py", BUSY_EBOOK)
    for page in ("list", "form"):
        site.write(f"library/templates/library/ebook_{page}.html", "the page of the press")
    printed = site.must(
        "startstore", "shop", "--product", "library.Ebook", "--base-template", "base.html"
    )
    assert PRINTED_FOR_A_BUSY_SITE in printed

    paste(site, printed)
    # Its editor is nobody's to choose among all users; the press gives it a default instead.
    kept = BUSY_EBOOK.replace("models.CASCADE", "models.CASCADE, null=True, blank=True")
    kept = kept.replace("models.Model", "AbstractProduct").replace(
        "from django.urls",
        "from django_digitalstore.catalog.abstract_models import AbstractProduct\nfrom django.urls",
    )
    kept = kept.replace('"ebook", args=[self.slug]', '"shop:product_detail", args=[self.slug]')
    site.write(
        "library/models.py", kept + "\n    class Meta(AbstractProduct.Meta):\n        pass\n"
    )
    site.must("makemigrations", "shop", "library")
    site.must("migrate")
    python(site, "from django.contrib.auth.models import User; User.objects.create_user('ada')")
    site.must("digitalstore_seller", "ada")
    sell = """
from django.contrib.auth.models import User
from django.test import Client
ada = Client()
ada.force_login(User.objects.get())
new = "/shop/seller/products/new/"
fields = {"title": "Emma", "price": "12", "currency": "EUR", "author": "Jane"}
ada.post(new, fields)
ada.post("/shop/seller/products/emma/publish/")
print(*(b"Emma" in ada.get(page).content for page in ("/shop/", "/shop/products/emma/")))
print(b'name="author"' in ada.get(new).content, b"of the press" in ada.get("/shop/").content)
"""
    assert python(site, sell) == "True True\nTrue False\n"


def change(site: MadeProject, printed: str) -> None:
    """Paste into the files that are there, as it was said."""
    for path, text in re.findall(
        r"^Change in shop/(\S+) \(.*?:\n\n(.*?)\n\n(?=Change in|Then run)", printed, re.M | re.S
    ):
        source = site.folder / "shop" / path
        changed = source.read_text()
        for hunk in re.split(r"^    @@.*\n", text, flags=re.M)[1:]:
            lines = [line[4:] for line in hunk.split("\n")]
            old = "\n".join(line[1:] for line in lines if line[:1] != "+")
            new = "\n".join(line[1:] for line in lines if line[:1] != "-")
            assert old in changed, (path, old)
            changed = changed.replace(old, new, 1)
        source.write_text(changed)


def test_a_feature_comes_later_into_a_store_that_is_there(tmp_path):
    site = press(tmp_path)
    printed = site.must(
        "startstore", "shop", "--features", "catalog,entitlements", "--base-template", "base.html"
    )
    paste(site, printed)
    site.must("makemigrations", "shop")
    before = {
        path: path.read_bytes() for path in (tmp_path / "shop").rglob("*.py") if path.is_file()
    }

    printed = site.must("startstore", "shop", "--add", "payments")
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(
        str(path.relative_to(tmp_path / "shop"))
        for path in (tmp_path / "shop").rglob("*.py")
        if path not in before
    ) == [
        "admin/payments.py",
        "models/payments.py",
        "tests/test_payments.py",
        "urls/payments.py",
        "views/payments.py",
    ]
    assert 'base_template = "base.html"' in (tmp_path / "shop/views/payments.py").read_text()
    assert printed.partition("\n")[2] == ADDED

    site.add_settings('INSTALLED_APPS += ["django_digitalstore.payments"]')
    change(site, printed)
    site.must("check")
    site.must("makemigrations", "shop")
    tests = site.manage("test", "shop")
    assert tests.returncode == 0, tests.stderr

    again = site.manage("startstore", "shop", "--add", "payments")
    assert again.stderr == (
        f"CommandError: startstore – {tmp_path / 'shop'} has the feature 'payments' already – "
        f"change its files as you like; nothing writes them again.\n"
    )


def test_support_comes_only_where_it_is_installed(tmp_path):
    printed = MadeProject(tmp_path).must("startstore", "shop")
    assert "django_digitalstore.support" not in printed
    assert not (tmp_path / "shop" / "models" / "support.py").exists()


def test_support_comes_later_into_a_shop_that_sells(tmp_path):
    site = MadeProject(tmp_path, *SELLING)
    paste(site, site.must("startstore", "shop"))
    site.must("makemigrations", "shop")
    before = {
        path: path.read_bytes() for path in (tmp_path / "shop").rglob("*.py") if path.is_file()
    }
    assert not [path for path in before if "support" in path.read_text().lower()]

    printed = site.must("startstore", "shop", "--add", "support")
    assert {path: path.read_bytes() for path in before} == before
    assert section(printed, "Add to INSTALLED_APPS in your settings:") == [
        '"django_digitalstore.support",'
    ]
    there = "Add below, in the same file; where it is there already, add its entry:"
    assert section(printed, there) == [
        "DIGITALSTORE_FULFILMENTS = {",
        '    "support": "django_digitalstore.support.fulfilments.SupportFulfilment",',
        "}",
    ]

    site.add_settings('INSTALLED_APPS += ["django_digitalstore.support"]')
    change(site, printed)
    refused = site.manage("check")
    assert "(digitalstore.E401)" in refused.stderr
    site.add_settings("\n".join(section(printed, there)))
    site.must("check")
    site.must("makemigrations", "shop")
    tests = site.manage("test", "shop.tests.test_support")
    assert tests.returncode == 0, tests.stderr


def test_short_links_come_later_and_the_checkout_notes_what_they_led_to(tmp_path):
    site = MadeProject(tmp_path, *SELLING)
    paste(site, site.must("startstore", "shop"))
    site.must("makemigrations", "shop")
    assert not (tmp_path / "shop" / "views" / "shorturls.py").exists()

    printed = site.must("startstore", "shop", "--add", "shorturls")
    assert section(printed, "Add to INSTALLED_APPS in your settings:") == [
        '"django_digitalstore.contrib.shorturls",'
    ]
    site.add_settings('INSTALLED_APPS += ["django_digitalstore.contrib.shorturls"]')
    change(site, printed)
    checkout = "class CheckoutView(AttributesLinksMixin, IsCustomerMixin, GenericCheckoutView):"
    assert checkout in (tmp_path / "shop" / "views" / "payments.py").read_text()
    site.must("check")
    assert site.must("makemigrations", "--check", "--dry-run") == "No changes detected\n"
    tests = site.manage("test", "shop.tests.test_shorturls")
    assert tests.returncode == 0, tests.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--features", "catalog,entitlement"],
            "there is no feature 'entitlement' – did you mean 'entitlements'?",
        ),
        (
            ["--features", "payments"],
            (
                "'payments' needs 'catalog', 'entitlements' – write "
                "--features catalog,entitlements,payments."
            ),
        ),
        (
            ["--features", "accounts", "--product", "library.Ebook"],
            (
                "--product is about the catalog, which is not among the features – write "
                "--features catalog,…, or leave --product out."
            ),
        ),
        (
            ["--product", "Ebook"],
            (
                "--product must be of the form 'app_label.ModelName', not 'Ebook' – write "
                "--product library.Ebook for a model Ebook in the app library."
            ),
        ),
        (
            ["--product", "library.Ebok"],
            "there is no model 'library.Ebok' – did you mean --product library.Ebook?",
        ),
        (
            ["--base-template", "bare.html"],
            (
                "there is no template 'bare.html' – write the name by which your own templates "
                "extend it, as in --base-template base.html."
            ),
        ),
        (
            ["--base-template", "registration/login.html"],
            (
                "the template 'registration/login.html' lacks the block 'title', 'content', in "
                "which the store's pages stand – add {% block title %}{% endblock %} "
                "{% block content %}{% endblock %} to it."
            ),
        ),
        (
            ["--add", "payments", "--product", "library.Ebook"],
            (
                "--add takes one feature, and neither --features nor --product – write "
                "`manage.py startstore shop --add payments`."
            ),
        ),
    ],
)
def test_a_wrong_option_is_named(tmp_path, options, message):
    done = press(tmp_path).manage("startstore", "shop", *options)
    assert done.stderr == f"CommandError: startstore – {message}\n"
    assert not (tmp_path / "shop").exists()


def test_a_feature_is_added_to_a_store_that_is_there_only(tmp_path):
    done = press(tmp_path).manage("startstore", "shop", "--add", "payments")
    assert done.stderr == (
        f"CommandError: startstore – there is no store in {tmp_path / 'shop'} – write one by "
        f"`manage.py startstore shop`, or name its directory: `manage.py startstore shop "
        f"path/to/shop --add …`.\n"
    )


# --- the host projects of these tests are what it writes --------------------------------------


def files_in(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not {"migrations", "__pycache__"} & set(path.parts)
    )


@pytest.mark.parametrize("project", regenerate.UNEDITED)
def test_the_stores_of_the_host_projects_are_written_unedited(tmp_path, project):
    committed = ROOT / "tests" / "projects" / project / "shop"
    written = regenerate.write_store(project, tmp_path)
    assert files_in(committed) == files_in(written)
    _, different, errors = filecmp.cmpfiles(committed, written, files_in(written), shallow=False)
    assert (different, errors) == ([], []), "Run `python -m tests.projects.regenerate`."
