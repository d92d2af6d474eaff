"""Each app of the suite works with only what lies below it, and without any SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_digitalstore.core.management.commands.startstore import shipped_features
from tests.projects.made import MadeProject, paste, run_python

pytestmark = pytest.mark.slow  # each test makes a site of its own

LAYERS = ("core", "accounts", "catalog", "entitlements", "payments", "support")
SDKS = (
    "boto3",
    "botocore",
    "django_redis",
    "dodopayments",
    "redis",
    "standardwebhooks",
    "storages",
    "stripe",
)
FEATURES = shipped_features()

WALK = """
import importlib, pkgutil, sys
import django
from django.conf import settings
from django.urls import NoReverseMatch, URLPattern, get_resolver, resolve, reverse

SUITE = "django_digitalstore"
for app in [a for a in settings.INSTALLED_APPS if a.startswith(SUITE)]:
    package = importlib.import_module(app)
    for module in pkgutil.walk_packages(package.__path__, f"{app}."):
        # Django's tasks came with 6.0; before, the module asks for their backport.
        if django.VERSION >= (6,) or not module.name.endswith(".outbox_tasks"):
            importlib.import_module(module.name)

def walk(patterns, namespace=""):
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            assert callable(pattern.callback), pattern
            if pattern.name and not pattern.pattern.converters:
                url = reverse(namespace + pattern.name)
                assert resolve(url).func == pattern.callback, url
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            walk(pattern.url_patterns, inner)

urls = get_resolver().url_patterns
walk([p for p in urls if "admin" not in str(p.pattern)])
features = {n.split(".")[1] for n in sys.modules if n.startswith(SUITE + ".")}
print("features", *sorted(features))
print("SDKs", *sorted(set(SDKS) & set(sys.modules)))
"""

ONLY_IMPORT = """
import sys
import django_digitalstore
from django_digitalstore import core, accounts, catalog, entitlements, payments, contrib
print(*sorted(name for name in SDKS if name in sys.modules))
"""


def below(name: str) -> set[str]:
    """Return the features that a feature cannot be without."""
    return set().union(*({need} | below(need) for need in FEATURES[name].needs))


def layer_of(name: str) -> int:
    """Return how high a feature stands; what is in contrib stands above all."""
    return LAYERS.index(name) if name in LAYERS else len(LAYERS)


def test_the_features_are_known_with_what_they_need():
    needs = {name: below(name) for name in FEATURES if name in LAYERS}
    assert needs["accounts"] == set()
    assert needs["catalog"] == set()
    assert needs["entitlements"] == {"catalog"}
    assert needs["payments"] == {"catalog", "entitlements"}


def test_a_convenience_needs_no_more_than_it_says():
    assert below("shorturls") == {"catalog"}


@pytest.mark.parametrize("name", ["core", *FEATURES])
def test_an_app_with_only_what_lies_below_it(name: str, tmp_path: Path):
    installed = sorted({name, *below(name)}, key=layer_of) if name != "core" else []
    apps = [FEATURES[each].app.removeprefix("django_digitalstore.") for each in installed]
    site = MadeProject(tmp_path, *apps)
    if installed:
        paste(site, site.must("startstore", "shop"))
        site.must("makemigrations", "shop")
    else:
        site.add_settings("DIGITALSTORE_TEST_MODE = DEBUG")
    assert site.must("check") == "System check identified no issues (0 silenced).\n"
    site.must("migrate", "--verbosity=0")
    assert site.must("makemigrations", "--check", "--dry-run") == "No changes detected\n"

    features, sdks = site.must("shell", "-v0", "-c", f"SDKS = {SDKS}\n{WALK}").splitlines()
    highest = max(layer_of(each) for each in ("core", *installed) if each in LAYERS)
    above = LAYERS[highest + 1 :]
    assert {app.partition(".")[0] for app in apps} <= set(features.split()[1:])
    assert set(above).isdisjoint(features.split()[1:])
    assert sdks == "SDKs"


def test_importing_the_suite_imports_no_sdk(tmp_path: Path):
    done = run_python("-c", f"SDKS = {SDKS}\n{ONLY_IMPORT}", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("\n", "")
