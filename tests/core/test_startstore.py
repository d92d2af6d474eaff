"""``manage.py startstore``: from a site without a store to one that sells, unedited."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pytest

from tests.projects import regenerate
from tests.projects.made import ROOT, SHIPPED, MadeProject

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

Sell at /seller/. Files: in the admin, a release with “Published at” set.
Customers: in the admin, until your site has a sign-up, as django-allauth has.
"""


def section(printed: str, title: str) -> list[str]:
    """Return the lines that are printed below ``title``, to be pasted."""
    after = printed.split(f"{title}", 1)[1].split("\n\n", 2)[1]
    return [line.removeprefix("    ") for line in after.splitlines()]


def paste(site: MadeProject, printed: str) -> None:
    """Do what the command says, and nothing else."""
    apps = "\n".join(section(printed, "Add to INSTALLED_APPS in your settings:"))
    site.add_settings(f"INSTALLED_APPS += [\n{apps}\n]")
    site.add_settings("\n".join(section(printed, "Add below, in the same file:")))
    urls = "\n".join(section(printed, "`from django.urls import include, path`):"))
    site.urls.write_text(f"{site.urls.read_text()}\nurlpatterns += [\n{urls}\n]\n")


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
        "`manage.py migrate` first, and see that DIGITALSTORE_STORE_APP = 'shop' names the app of "
        "your product model.\n"
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
