"""The example project as those meet it who copy from it."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example_project"
FOREIGN = ("DJANGO_", "DATABASE_", "CACHE_", "EMAIL_", "PYTEST_", "PYTHONPATH", "SECRET_KEY", "S3_")


def manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` of the example with a data folder of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path.endswith("/src"))
    return subprocess.run(
        [sys.executable, str(EXAMPLE / "manage.py"), *arguments],
        env={**env, "DATA_DIR": str(folder), "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def imports() -> list[tuple[str, str, str]]:
    """Return (file, module, name) for every name that the example takes from the suite."""
    found = []
    for path in EXAMPLE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.startswith("django_digitalstore"):
                where = path.relative_to(EXAMPLE).as_posix()
                found += [(where, module, alias.name) for alias in node.names]
    return found


@pytest.mark.needs("accounts", "payments")
def test_it_imports_public_names_only() -> None:
    hidden = []
    for where, module, name in imports():
        loaded = importlib.import_module(module)
        is_module = hasattr(loaded, "__path__") and importlib.util.find_spec(f"{module}.{name}")
        if name.startswith("_") or not (is_module or name in getattr(loaded, "__all__", ())):
            hidden.append(f"{where}: from {module} import {name}")
    assert imports()
    assert hidden == []


def test_the_tests_that_startstore_wrote_pass_in_it(tmp_path: Path) -> None:
    done = manage("test", "shop", folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_loaddemo_twice_is_the_same_as_once(tmp_path: Path) -> None:
    count = (
        "from django.apps import apps; print([(m.__name__, m._default_manager.count()) for m in"
        " apps.get_app_config('shop').get_models()])"
    )
    seen = []
    for _ in range(2):
        for command in (["migrate", "-v0"], ["loaddemo"]):
            done = manage(*command, folder=tmp_path)
            assert done.returncode == 0, done.stderr
        seen.append(manage("shell", "-v0", "-c", count, folder=tmp_path).stdout)
    assert "('Order', 6)" in seen[0]
    assert seen[0] == seen[1]


def test_loaddemo_refuses_a_real_shop(tmp_path: Path) -> None:
    real = {"DEBUG": "0", "SECRET_KEY": "x" * 50}
    done = manage("loaddemo", "--skip-checks", folder=tmp_path, **real)
    assert done.returncode == 1
    assert done.stderr == (
        "CommandError: loaddemo – this shop is not in test mode, and demo people with a known "
        "password don't belong into a real one – use the settings config.settings with DEBUG=1.\n"
    )


def test_production_names_all_that_is_missing_at_once(tmp_path: Path) -> None:
    known = {"SECRET_KEY": "x" * 50, "SITE_URL": "https://quire.example"}
    done = manage("check", "--settings", "config.production", folder=tmp_path, **known)
    assert done.returncode == 1
    message = done.stderr.partition("ImproperlyConfigured: ")[2]
    assert message == (
        "config.production – 10 environment variables are missing: ALLOWED_HOSTS, DATABASE_URL, "
        "CACHE_URL, S3_BUCKET, S3_MEDIA_BUCKET, S3_REGION, EMAIL_URL, DEFAULT_FROM_EMAIL, "
        "DODO_API_KEY, DODO_WEBHOOK_SECRET – write, with your own values:\n"
        "    ALLOWED_HOSTS=quire.example\n"
        "    DATABASE_URL=postgres://user:password@host:5432/shop\n"
        "    CACHE_URL=redis://host:6379/0\n"
        "    S3_BUCKET=<private bucket, for the files that are sold>\n"
        "    S3_MEDIA_BUCKET=<public bucket, for the covers>\n"
        "    S3_REGION=eu-central-1\n"
        "    EMAIL_URL=smtp://user:password@mail.example.com:587/\n"
        "    DEFAULT_FROM_EMAIL='Your Shop <shop@example.com>'\n"
        "    DODO_API_KEY=<key of your Dodo Payments account>\n"
        "    DODO_WEBHOOK_SECRET=whsec_<of its webhook>\n"
    )


#: All that the example asks for, as a shop at Amazon's would have it.
PRODUCTION = {
    "SECRET_KEY": "".join(f"{number:03x}" for number in range(200, 220)),
    "SITE_URL": "https://quire.example",
    "ALLOWED_HOSTS": "quire.example",
    "BEHIND_HTTPS_PROXY": "1",
    "DATABASE_URL": "postgres://user:password@host:5432/shop",
    "CACHE_URL": "redis://host:6379/0",
    "S3_BUCKET": "quire-sold",
    "S3_MEDIA_BUCKET": "quire-covers",
    "S3_REGION": "eu-central-1",
    "EMAIL_URL": "smtp://user:password@mail.example:587/",
    "DEFAULT_FROM_EMAIL": "Quire <shop@quire.example>",
    "DODO_API_KEY": "key-of-the-account",
    "DODO_BUSINESS_ID": "bus_quire",
    "DODO_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
IN_PRODUCTION = ("psycopg", "django_redis", "storages", "boto3", "dodopayments")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"S3_ENCRYPTION": "aws:kms", "S3_KMS_KEY_ID": "alias/quire", "S3_LINK_AGE": "300"},
        {"S3_ENDPOINT_URL": "https://s3.other.example/", "S3_REGION": ""},
    ],
)
def test_production_with_all_that_it_needs_has_nothing_to_complain_of(
    tmp_path: Path, more: dict[str, str]
) -> None:
    absent = [name for name in IN_PRODUCTION if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} absent: ./dev test")
    known = {**PRODUCTION, **more}
    done = manage("check", "--deploy", "--settings", "config.production", folder=tmp_path, **known)
    assert (done.stdout, done.stderr) == ("System check identified no issues (0 silenced).\n", "")


@pytest.mark.parametrize("name", ["DEBUG", "TEST_MODE"])
def test_production_refuses_to_be_played_with(tmp_path: Path, name: str) -> None:
    done = manage("check", "--settings", "config.production", folder=tmp_path, **{name: "1"})
    assert done.stderr.endswith(
        f"config.production – {name} is on, which is for your own machine – remove {name} from "
        f"the environment, or use DJANGO_SETTINGS_MODULE=config.settings.\n"
    )


def test_without_debug_a_secret_key_is_required(tmp_path: Path) -> None:
    done = manage("check", folder=tmp_path, DEBUG="0")
    assert done.stderr.endswith(
        "config.settings – SECRET_KEY is missing while DEBUG is off – write SECRET_KEY=<50 random "
        "characters> into the environment.\n"
    )
