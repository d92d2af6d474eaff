"""The verbs of the support, and the only writers of its tables."""

from .allowances import end_allowance, end_source, grant_allowance
from .conversation import add_note, open_request, reply
from .states import assign, close, close_resolved, reopen, resolve
from .terms import save_terms

__all__ = [
    "add_note",
    "assign",
    "close",
    "close_resolved",
    "end_allowance",
    "end_source",
    "grant_allowance",
    "open_request",
    "reopen",
    "reply",
    "resolve",
    "save_terms",
]
