"""The code of the how-tos runs: it is laid over a store that ``startstore`` wrote, and tested."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from django_digitalstore import pytest_plugin
from tests.architecture.public_names import private_imports
from tests.projects.made import ROOT, SELLING, MadeProject, paste, run_python

#: What is made here has settings of its own: once is enough, whatever host the tests run under.
once = pytest.mark.skipif(
    settings.ROOT_URLCONF != "tests.projects.full_store.urls",
    reason="said by the run under the full store",
)

DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
PAGES = sorted([*DOCS.glob("how-to/*.md"), *DOCS.glob("tutorial/*.md")])
INCLUDE = re.compile(r"^ *```\{literalinclude\} (\S+)\n((?: *:.*\n)*) *```$", re.MULTILINE)

#: Written by ``startstore`` for the most part, or plumbing: no page shows them.
NOT_SHOWN = {
    "shop/urls/__init__.py",
    "shop/tests/test_how_tos.py",
    "shop/templates/shop/chapter.html",
}


def included() -> list[tuple[Path, Path, dict[str, str]]]:
    """Return (page, file, options) of every literalinclude."""
    found = []
    for page in PAGES:
        for path, options in INCLUDE.findall(page.read_text("utf-8")):
            pairs = dict(re.findall(r"^ *:([\w-]+): ?(.*)$", options, re.MULTILINE))
            found.append((page, (page.parent / path).resolve(), pairs))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> MadeProject:
    """A store with the examples in it."""
    site = MadeProject(tmp_path_factory.mktemp("site"), *SELLING)
    site.must("startstore", "shop")
    shutil.copytree(EXAMPLES / "shop", site.folder / "shop", dirs_exist_ok=True)
    shutil.copy(EXAMPLES / "conftest.py", site.folder)
    lines = ['INSTALLED_APPS += ["shop"]', "DIGITALSTORE_TEST_MODE = DEBUG"]
    lines.append('PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]')
    site.add_settings("\n".join([*lines, (EXAMPLES / "settings.py").read_text("utf-8")]))
    site.urls.write_text(
        site.urls.read_text() + "urlpatterns += [\n"
        '    path("accounts/", include("django.contrib.auth.urls")),\n'
        '    path("store/", include("django_digitalstore.urls")),\n'
        '    path("", include("shop.urls")),\n]\n'
    )
    return site


@once
@pytest.mark.slow
def test_the_examples_pass_their_tests_in_a_store_that_startstore_wrote(site):
    site.must("makemigrations", "shop")
    by_pytest = "test_by_pytest"
    modules = {path.stem for path in (site.folder / "shop" / "tests").glob("test_*.py")}
    done = site.manage("test", *(f"shop.tests.{name}" for name in modules - {by_pytest}))
    assert done.returncode == 0, done.stderr
    assert re.search(r"^OK", done.stderr, re.MULTILINE)
    done = run_python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--ds=site_settings",
        f"shop/tests/{by_pytest}.py",
        cwd=site.folder,
    )
    assert "4 passed" in done.stdout, done.stdout + done.stderr


@once
@pytest.mark.slow
@pytest.mark.parametrize("feature", ["catalog", "entitlements"])
def test_a_field_that_a_hosts_product_requires_is_asked_for_as_the_page_says(tmp_path, feature):
    site = MadeProject(tmp_path, *SELLING)
    paste(site, site.must("startstore", "shop"))
    models = site.folder / "shop" / "models" / "catalog.py"
    head, found, tail = models.read_text().partition("class Meta(AbstractProduct.Meta)")
    pages = "pages = __import__('django').db.models.PositiveIntegerField()\n\n    "
    models.write_text(head + pages + found + tail)
    site.must("makemigrations", "shop", "-v0")
    site.must("migrate", "-v0")
    said = site.must(
        "shell",
        "-v0",
        "-c",
        f"from django_digitalstore.{feature}.testing import make_product\n"
        "assert make_product(pages=1).pages == 1\n"
        "try: make_product()\n"
        "except Exception as error: print(f'{type(error).__name__}: {error}')",
    )
    page = (DOCS / "how-to" / "test-your-store.md").read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert said.split() == shown.split()


def test_the_page_names_each_fixture_of_pytest():
    page = (DOCS / "how-to" / "test-your-store.md").read_text("utf-8")
    table = "".join(re.findall(r"^\| \w+ \| .* \|$", page, re.MULTILINE))
    assert sorted(re.findall(r"`(\w+)`", table)) == pytest_plugin.__all__


def test_the_examples_use_public_names_only():
    found = {
        str(path.relative_to(EXAMPLES)): private
        for path in EXAMPLES.rglob("*.py")
        if (private := list(private_imports(path.read_text("utf-8"))))
    }
    assert found == {}


def test_every_example_stands_in_a_page_and_every_page_shows_what_exists():
    missing = [f"{page.name}: {path}" for page, path, _ in included() if not path.is_file()]
    assert missing == []
    shown = {path.relative_to(EXAMPLES).as_posix() for _, path, _ in included()}
    files = {
        path.relative_to(EXAMPLES).as_posix()
        for path in EXAMPLES.rglob("*.*")
        if path.suffix in {".py", ".html"}
    }
    assert files - shown == NOT_SHOWN


def test_a_part_that_a_page_shows_is_in_its_file():
    missing = []
    for page, path, options in included():
        text = path.read_text("utf-8")
        for option in ("start-after", "end-before"):
            if option in options and options[option] not in text:
                missing.append(f"{page.name}: {option} {options[option]!r} in {path.name}")
        name = options.get("pyobject", "").rpartition(".")[2]
        if name and not re.search(rf"^\s*(class|def) {name}\b", text, re.MULTILINE):
            missing.append(f"{page.name}: {name} in {path.name}")
    assert missing == []
