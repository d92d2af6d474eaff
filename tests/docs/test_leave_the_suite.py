"""``leave-the-suite`` is followed, step by step, by a store that has made a sale."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.projects.made import ROOT, SELLING, MadeProject, paste

#: What is made here has settings of its own: once is enough, whatever host the tests run under.
pytestmark = pytest.mark.skipif(
    settings.ROOT_URLCONF != "tests.projects.full_store.urls",
    reason="said by the run under the full store",
)

PAGE = (ROOT / "docs" / "how-to" / "leave-the-suite.md").read_text("utf-8")
STEPS = dict(re.findall(r"^## (\d)\. [^\n]+\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))

SALE = """
from django_digitalstore.entitlements.testing import make_customer, make_product
from django_digitalstore.payments.testing import paid_order
paid_order(make_customer("ada"), make_product(title="Emma"))
make_customer("grace")
"""
TABLES = """
from django.db import connection
print(*sorted(t for t in connection.introspection.table_names() if t.startswith("{prefix}")))
"""


def tables(site: MadeProject, prefix: str) -> list[str]:
    return site.must("shell", "-v0", "-c", TABLES.format(prefix=prefix)).split()


def run_commands(site: MadeProject, part: str) -> str:
    """Type the commands of a part of the page, ``>`` as in a shell; return what they print."""
    printed = ""
    for line in re.findall(r"^\$ python manage\.py (.+)$", part, re.MULTILINE):
        command, _, target = line.partition(" > ")
        said = site.must(*command.split())
        if target:
            site.write(target, said)
        printed += said
    assert printed
    return printed


def take_out(file: Path, *beginnings: str) -> None:
    lines = file.read_text().splitlines(keepends=True)
    gone = re.compile("|".join(beginnings))
    file.write_text("".join(line for line in lines if not gone.match(line)))


def python_of(step: str) -> str:
    (code,) = re.findall(r"^```python\n(.*?)^```$", STEPS[step], re.MULTILINE | re.DOTALL)
    return code


def shell(site: MadeProject, code: str) -> list[str]:
    """Run code with the plain models, and without the suite; return the lines that it prints."""
    alone = (
        "import sys\n"
        "assert not [n for n in sys.modules if n.startswith(('django_digitalstore', 'shop'))]\n"
    )
    text = f"from books.models import *\n{code}\n{alone}"
    return site.must("shell", "-v0", "-c", text).splitlines()


@pytest.fixture
def site(tmp_path: Path) -> MadeProject:
    """A store of its own, with one sale in it."""
    site = MadeProject(tmp_path, *SELLING)
    paste(site, site.must("startstore", "shop"))
    site.must("makemigrations", "shop", "-v0")
    site.must("migrate", "-v0")
    site.must("shell", "-v0", "-c", SALE)
    return site


@pytest.mark.slow
def test_whoever_leaves_keeps_tables_and_rows(site):
    models = site.folder / "books" / "models.py"

    # 1. Plain models
    named = re.search(r"inspectdb (.+) >", STEPS["1"])
    assert named
    assert sorted(named[1].split()) == tables(site, "shop_")
    before_edits, found, after_edits = STEPS["1"].partition("In `books/models.py` write")
    assert found
    run_commands(site, before_edits)
    plain = models.read_text().replace("'AuthUser'", "settings.AUTH_USER_MODEL")
    models.write_text(python_of("1") + plain)
    site.add_settings('INSTALLED_APPS += ["books"]')
    run_commands(site, after_edits)

    # 2. Code
    has_access = python_of("2")
    models.write_text(models.read_text() + "\n\n" + has_access)

    # 3. The suite goes
    take_out(site.settings, '    "django_digitalstore', '"shop",', "DIGITALSTORE_", "LOG(IN|OUT)_")
    take_out(site.urls, r'.*include\("(shop|django_digitalstore)\.urls')
    assert "shop" not in site.settings.read_text() + site.urls.read_text()
    run_commands(site, STEPS["3"])
    asked = (
        "from django.contrib.auth.models import User\n"
        "emma = ShopProduct.objects.get(title='Emma')\n"
        "print([has_access(User.objects.get(username=n), emma) for n in ('ada', 'grace')])\n"
        "print(ShopOrder.objects.get().status, ShopGrant.objects.get().source_kind)\n"
    )
    before = shell(site, asked)
    assert before == ["[True, False]", "paid payment"]
    assert shell(
        site,
        "from django.db import IntegrityError\n"
        "row = ShopPurchasedproduct.objects.get(); row.pk = None\n"
        "try: row.save(force_insert=True)\n"
        "except IntegrityError: print('refused')\n",
    ) == ["refused"]

    # 4. Django looks after them, and none of it was the suite's
    models.write_text(models.read_text().replace("        managed = False\n", ""))
    assert "FAKED" in run_commands(site, STEPS["4"])
    isbn = "    title = models.CharField(max_length=200)\n"
    assert isbn in models.read_text()
    models.write_text(
        models.read_text().replace(isbn, isbn + "    isbn = models.TextField(default='')\n")
    )
    run_commands(site, STEPS["4"])
    left = tables(site, "digitalstore_")
    assert left
    drop = "".join(f"cursor.execute('DROP TABLE {name}')\n" for name in left)
    shell(
        site,
        "from django.db import connection\ncursor = connection.cursor()\n"
        "connection.disable_constraint_checking()\n"  # they point at each other
        f"{drop}connection.check_constraints()\n",
    )
    assert shell(site, asked) == before
    assert shell(site, "print(repr(ShopProduct.objects.get().isbn))") == ["''"]
