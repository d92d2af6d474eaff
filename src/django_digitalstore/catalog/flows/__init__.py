"""The verbs of the catalog. Each validates its own input, whatever the form before it did.

``actor`` is the user who acts, or None for the site itself (a command, a task). An actor is the
product's seller or holds the model's change permission; anybody else meets ``NotYourProduct``.
"""

from .files import attach_file, delete_file, measure, save_file, store_file
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
from .uploads import (
    Finished,
    Pruned,
    Pruning,
    cancel_upload,
    finish_replacement,
    finish_upload,
    finish_uploads,
    prune_uploads,
    start_replacement,
    start_upload,
)

__all__ = [
    "Finished",
    "Pruned",
    "Pruning",
    "archive_product",
    "attach_file",
    "cancel_upload",
    "delete_category",
    "delete_file",
    "delete_release",
    "finish_replacement",
    "finish_upload",
    "finish_uploads",
    "measure",
    "prune_uploads",
    "publish_product",
    "publish_release",
    "save_category",
    "save_file",
    "save_product",
    "save_release",
    "start_replacement",
    "start_upload",
    "store_file",
    "unpublish_product",
    "unschedule_release",
    "unyank_release",
    "yank_release",
]
