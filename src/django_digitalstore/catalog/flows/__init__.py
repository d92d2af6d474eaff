"""The verbs of the catalog. Each validates its own input, whatever the form before it did.

``actor`` is the user who acts, or None for the site itself (a command, a task). An actor is the
product's seller or holds the model's change permission; anybody else meets ``NotYourProduct``.
"""

from .files import attach_file, measure, store_file
from .products import (
    archive_product,
    delete_category,
    publish_product,
    save_category,
    save_product,
    unpublish_product,
)
from .releases import (
    delete_release,
    publish_release,
    save_release,
    unschedule_release,
    unyank_release,
    yank_release,
)

__all__ = [
    "archive_product",
    "attach_file",
    "delete_category",
    "delete_release",
    "measure",
    "publish_product",
    "publish_release",
    "save_category",
    "save_product",
    "save_release",
    "store_file",
    "unpublish_product",
    "unschedule_release",
    "unyank_release",
    "yank_release",
]
