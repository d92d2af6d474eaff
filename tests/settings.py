"""The settings that the tests run under by default: the full store on embedded servers."""

from tests.projects.full_store.settings import *  # noqa: F403
