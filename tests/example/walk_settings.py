"""The example shop on a storage that could give signed URLs away, like those of object storages."""

import os

from config.settings import *  # noqa: F403
from config.settings import DATA_DIR, STORAGES, TEMPLATES

STORAGES["digitalstore"] = {
    "BACKEND": "tests.example.walk_settings.SigningStorage",
    "OPTIONS": {"location": DATA_DIR / "files"},
}
# What a test plants here is found first.
TEMPLATES[0]["DIRS"] = [os.environ["PLANTED_TEMPLATES"], *TEMPLATES[0]["DIRS"]]
# Every line, of Django and of the queries too.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": DATA_DIR / "walk.log"}},
    "root": {"handlers": ["file"], "level": "DEBUG"},
    # Its lines are the values that the walk itself reads and writes.
    "loggers": {"django.db.backends": {"level": "INFO"}},
}


def __getattr__(name: str) -> object:
    # Django asks for the class when the apps are there; this module is read before.
    if name != "SigningStorage":
        raise AttributeError(name)
    from django.core.files.storage import FileSystemStorage

    class SigningStorage(FileSystemStorage):
        """A storage whose URLs open the file to whoever has one."""

        def url(self, name: str | None) -> str:
            return f"https://bucket.example.com/{name}?X-Amz-Signature=0123456789abcdef"

    return SigningStorage
