"""Pages of the support: what customers ask, what sellers answer, and on which terms.

All are generic: a host subclasses them, with a role, and routes the subclass.
"""

from .files import GenericAttachmentLinkView, GenericAttachmentView
from .lists import (
    GenericMySupportListView,
    GenericSellerSupportListView,
    GenericSupportProductListView,
)
from .packs import GenericSupportCheckoutView
from .requests import (
    GenericSupportRequestDetailView,
    GenericSupportRequestOpenView,
    ThreadEntry,
    ThreadFile,
)
from .terms import GenericSupportTermsListView, GenericSupportTermsUpdateView

__all__ = [
    "GenericAttachmentLinkView",
    "GenericAttachmentView",
    "GenericMySupportListView",
    "GenericSellerSupportListView",
    "GenericSupportCheckoutView",
    "GenericSupportProductListView",
    "GenericSupportRequestDetailView",
    "GenericSupportRequestOpenView",
    "GenericSupportTermsListView",
    "GenericSupportTermsUpdateView",
    "ThreadEntry",
    "ThreadFile",
]
