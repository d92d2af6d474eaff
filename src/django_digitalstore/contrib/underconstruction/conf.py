"""Settings of the switch that closes the site. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta

from appconf import AppConf

__all__ = ["UnderConstructionConf"]


class UnderConstructionConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """What stays open while the site is closed, and what its page says."""

    #: Pages that stay open beside those that always do: paths (``"/healthz/"``), everything below a
    #: path (``"/status/*"``), and names of URLs (``"shop:imprint"``).
    UNDERCONSTRUCTION_OPEN: tuple[str, ...] = ()
    #: True keeps open, to those who bought something, the library and its downloads, the page to
    #: which a provider sends them back, and their receipts.
    UNDERCONSTRUCTION_OPEN_TO_OWNERS = True
    #: When programs shall come again, where no end of the closure is known.
    UNDERCONSTRUCTION_RETRY_AFTER = timedelta(minutes=10)
    #: How long a preview link lets people in.
    UNDERCONSTRUCTION_PREVIEW_AGE = timedelta(days=7)

    class Meta:
        prefix = "digitalstore"
