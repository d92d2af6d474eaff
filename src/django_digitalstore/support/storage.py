"""Where attachments lie: in the private storage, beside what is sold.

Migrations name ``attachment_path`` of this module: it never moves.
"""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath
from typing import Any

__all__ = ["attachment_path"]


def attachment_path(instance: Any, filename: str) -> str:
    """Choose the stored name: random, so that nothing of it comes from a request.

    The extension is kept, in lower case, for people who look into the folder.
    """
    extension = "".join(c for c in PurePosixPath(filename).suffix.lower() if c.isalnum())[:10]
    name = uuid.uuid4().hex
    return f"support/{name[:2]}/{name}{'.' + extension if extension else ''}"
