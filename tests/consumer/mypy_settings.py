"""Settings for mypy's Django plugin, which knows only names that stand in the settings module."""

from tests.mypy_settings import *  # noqa: F403
from tests.projects.consumer.settings import INSTALLED_APPS as INSTALLED_APPS
from tests.projects.consumer.settings import ROOT_URLCONF as ROOT_URLCONF

BOOKSTAND_LICENCE_MODEL = "shop.Licence"
