"""The wheel with one extra, or with none, in an environment that holds nothing else.

    python tests/wheel/one_extra.py [extra]

``./dev extras`` makes the environments and runs this in each; the repository is on PYTHONPATH.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import tempfile
from pathlib import Path

import django

import django_digitalstore
from tests.projects.made import ROOT, MadeProject, paste, run_python

#: Extra → what it brings, and the packages in contrib that need it.
EXTRAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": ((), ()),
    "dodo": (("dodopayments",), ("dodopayments",)),
    "example": (("PIL", "allauth", "dj_database_url", "gunicorn", "whitenoise"), ()),
    "redis": (("django_redis.cache",), ()),
    "s3": (("boto3", "storages.backends.s3"), ("s3",)),
    "stripe": (("stripe",), ("stripe",)),
}
#: Values of options that a backend looks at before it looks for its package.
OPTIONS = {"API_KEY": "sk_test_key", "WEBHOOK_SECRET": "whsec_c2VjcmV0LW9mLXRlc3RzLW9ubHk="}
#: Packages in contrib that need no other package.
WITHOUT_EXTRA = ("analytics", "shorturls", "underconstruction")
#: No site needs these to run: they are imported by the tool that they are for.
FOR_TOOLS = ("mypy_plugin", "pytest_plugin")

SUITE = "django_digitalstore"
FEATURES = ("accounts", "catalog", "entitlements", "payments", "support")
SDKS = (
    "boto3",
    "botocore",
    "django_redis",
    "dodopayments",
    "httpx",
    "redis",
    "standardwebhooks",
    "storages",
    "stripe",
)

# Of a site with all features: every module of the suite and of the contrib packages that are named.
IMPORT_ALL = """
import importlib, pkgutil, sys
import django, {suite} as suite
names = [m.name for m in pkgutil.walk_packages(suite.__path__, suite.__name__ + ".", None)]
for name in names:
    parts = name.split(".")
    if parts[1] in {tools} or parts[1] == "contrib":
        continue
    # Django's tasks came with 6.0; before, the module asks for their backport.
    if django.VERSION >= (6,) or not name.endswith(".outbox_tasks"):
        importlib.import_module(name)
print("SDKs", *sorted(set({sdks}) & set(sys.modules)))
for name in names:
    if name.startswith(tuple(f"{{suite.__name__}}.contrib.{{p}}" for p in {contrib})):
        importlib.import_module(name)
print("contrib", *{contrib})
"""


class Wrong(Exception):
    """What is not as the extra promises."""


def contrib_packages() -> set[str]:
    """Return the packages of contrib that this wheel holds."""
    contrib = importlib.import_module(f"{SUITE}.contrib")
    return {found.name for found in pkgutil.iter_modules(contrib.__path__)}


def made_store(folder: Path) -> MadeProject:
    site = MadeProject(folder, *FEATURES, *(f"contrib.{name}" for name in WITHOUT_EXTRA))
    paste(site, site.must("startstore", "shop"))
    site.must("makemigrations", "shop")
    return site


def look_at_imports(site: MadeProject, contrib: list[str]) -> None:
    code = IMPORT_ALL.format(suite=SUITE, tools=FOR_TOOLS, sdks=SDKS, contrib=contrib)
    printed = site.must("shell", "-v0", "-c", code).splitlines()
    if printed != ["SDKs", " ".join(["contrib", *contrib])]:
        raise Wrong(f"importing the suite imports a third-party SDK: {printed}")


def check_with(site: MadeProject, backend: str) -> str:
    """Return what the check says of a payment backend that has the options that it asks for."""
    before, options, said = site.settings.read_text(), dict[str, str](), ""
    for _ in range(9):
        alias = {"BACKEND": backend, "OPTIONS": options}
        site.add_settings(f"DIGITALSTORE_PAYMENTS = {{'default': {alias}}}")
        said = site.manage("check").stderr
        site.settings.write_text(before)
        asked = set(re.findall(r"needs the option '(\w+)'", said)) - set(options)
        if not asked:
            break
        options |= {name: OPTIONS.get(name, "test") for name in asked}
    return said


def look_at_an_absent_extra(site: MadeProject, package: str, extra: str) -> None:
    """See that a package of contrib names the line to write, when imported or by the check."""
    line = f"pip install django-digitalstore[{extra}]"
    code = (
        f"import importlib, pkgutil\n"
        f"package = importlib.import_module('{SUITE}.contrib.{package}')\n"
        f"for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        f"    importlib.import_module(found.name)\n"
        f"from {SUITE}.payments.backends.base import BasePaymentBackend as Base\n"
        f"for cls in Base.__subclasses__():\n"
        f"    if cls.__module__.startswith(package.__name__ + '.'):\n"
        f"        print('BACKEND', cls.__module__ + '.' + cls.__qualname__)\n"
    )
    imported = site.manage("shell", "-v0", "-c", code)
    if imported.returncode:
        if line not in imported.stderr:
            raise Wrong(f"contrib.{package} – its import does not say `{line}`: {imported.stderr}")
        return
    backends = [line.split()[1] for line in imported.stdout.splitlines() if line[:7] == "BACKEND"]
    for path in backends:
        said = check_with(site, path)
        if line not in said:
            raise Wrong(f"{path} – `manage.py check` does not say `{line}`: {said}")
    if not backends:
        raise Wrong(f"contrib.{package} – is imported without [{extra}], and says nothing.")


def main(extra: str) -> None:
    if ROOT in Path(django_digitalstore.__file__).parents:
        raise Wrong("the suite was imported from the checkout, not from the wheel")
    brought, contrib = EXTRAS[extra]
    for name in brought:
        importlib.import_module(name)
    there = contrib_packages()
    unknown = there - {p for _, ps in EXTRAS.values() for p in ps} - set(WITHOUT_EXTRA)
    if unknown:
        raise Wrong(
            f"{sorted(unknown)} of contrib: write in tests/wheel/one_extra.py what they need"
        )
    with tempfile.TemporaryDirectory(prefix="digitalstore-extra-") as folder:
        site = made_store(Path(folder))
        said = site.must("check")
        if said != "System check identified no issues (0 silenced).\n":
            raise Wrong(said)
        site.must("migrate", "--verbosity=0")
        site.must("makemigrations", "--check", "--dry-run")
        look_at_imports(site, sorted({*contrib, *WITHOUT_EXTRA} & there))
        if not extra:
            bare = run_python(
                "-c",
                f"import sys, {SUITE}, {SUITE}.contrib\n"
                f"print(*sorted(set({SDKS}) & set(sys.modules)))",
                cwd=Path(folder),
            )
            if (bare.stdout, bare.stderr) != ("\n", ""):
                raise Wrong(f"importing the suite imports more: {bare.stdout}{bare.stderr}")
            for needed, (_, packages) in EXTRAS.items():
                for package in sorted(set(packages) & there):
                    look_at_an_absent_extra(site, package, needed)
    print(f"[{extra or 'no extra'}] Django {django.__version__}: checked, migrated, all imported")


if __name__ == "__main__":
    try:
        main("".join(sys.argv[1:]))
    except Wrong as wrong:
        sys.exit(f"one_extra – [{''.join(sys.argv[1:]) or 'no extra'}] – {wrong}")
