"""The app."""

from django.apps import AppConfig

from . import conf  # noqa: F401  # registers the settings


class BookstandConfig(AppConfig):
    """Has no table of its own: the host's app holds the models, and all migrations."""

    name = "bookstand"
