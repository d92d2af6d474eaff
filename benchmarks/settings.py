"""The full store as a site would run it, and whatever of the peers is installed beside it."""

# ruff: noqa: F403, F405
import importlib.util
import os
import tempfile
from pathlib import Path

import django_digitalstore
from tests.projects.full_store.settings import *

ROOT_URLCONF = "benchmarks.urls"
BENCH_DIR = Path(os.environ.get("BENCH_DIR") or tempfile.mkdtemp(prefix="digitalstore-bench-"))
# A connection lives as long as the process, as in any site that minds its speed.
DATABASES["default"]["CONN_MAX_AGE"] = None
TEMPLATES[0]["DIRS"] = [Path(__file__).parent / "templates", *TEMPLATES[0]["DIRS"]]
DIGITALSTORE_TEST_MODE = True
DIGITALSTORE_PAYMENTS = {
    "default": {
        "BACKEND": "django_digitalstore.payments.backends.sandbox.SandboxBackend",
        # As a provider's is, it is written down: the sandbox would else derive one each time.
        "OPTIONS": {"SECRET": "whsec_" + "YmVuY2htYXJr" * 3},
    },
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "private": {
        "BACKEND": "django_digitalstore.catalog.storage.PrivateFileSystemStorage",
        "OPTIONS": {"location": str(BENCH_DIR / "files")},
    },
}
DIGITALSTORE_STORAGE = "private"
DIGITALSTORE_DELIVERY = {
    "default": {
        "BACKEND": "django_digitalstore.entitlements.backends.xaccel.XAccelDeliveryBackend",
        "OPTIONS": {"location": "/protected/"},
    },
}
LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"level": "CRITICAL"}}

_CONTRIB = Path(django_digitalstore.__file__).parent / "contrib"
for _app in ("shorturls", "underconstruction", "analytics"):
    _name = f"django_digitalstore.contrib.{_app}"
    if (_CONTRIB / _app / "apps.py").exists() and _name not in INSTALLED_APPS:
        INSTALLED_APPS = [*INSTALLED_APPS, _name]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if importlib.util.find_spec("guardian"):
    INSTALLED_APPS = [*INSTALLED_APPS, "guardian"]
    AUTHENTICATION_BACKENDS = [
        *AUTHENTICATION_BACKENDS,
        "guardian.backends.ObjectPermissionBackend",
    ]
for _peer in ("djstripe", "maintenance_mode", "private_storage", "shortener"):
    if importlib.util.find_spec(_peer):
        INSTALLED_APPS = [*INSTALLED_APPS, _peer]
MAINTENANCE_MODE_STATE_FILE_PATH = str(BENCH_DIR / "maintenance.txt")
# Its migrations take a minute, and end at the same tables.
MIGRATION_MODULES = {"djstripe": None}
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
# Of the shape that dj-stripe asks for; what answers to it is benchmarks/stripe_api.py.
STRIPE_TEST_SECRET_KEY = "sk_test_" + "x" * 24
PRIVATE_STORAGE_ROOT = str(BENCH_DIR / "files")
PRIVATE_STORAGE_SERVER = "nginx"
PRIVATE_STORAGE_INTERNAL_URL = "/protected/"
TASKS = {
    "default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"},
    # A queue that another process works on: here nobody does.
    "later": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"},
}
