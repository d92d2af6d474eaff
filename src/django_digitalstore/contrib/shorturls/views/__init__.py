"""Pages of the short links: the redirect, the seller's panel, and the checkout's part in it."""

from .checkout import AttributesLinksMixin
from .public import ShortLinkRedirectView
from .seller import (
    GenericShortLinkCreateView,
    GenericShortLinkDetailView,
    GenericShortLinkListView,
    GenericShortLinkSwitchView,
    GenericShortLinkUpdateView,
)

__all__ = [
    "AttributesLinksMixin",
    "GenericShortLinkCreateView",
    "GenericShortLinkDetailView",
    "GenericShortLinkListView",
    "GenericShortLinkSwitchView",
    "GenericShortLinkUpdateView",
    "ShortLinkRedirectView",
]
