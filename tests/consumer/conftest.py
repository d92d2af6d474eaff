"""``tests/`` belongs to the distribution: it runs where that is installed."""

from __future__ import annotations

from django.apps import apps

collect_ignore = ["src"] if apps.is_installed("bookstand") else ["src", "tests"]
