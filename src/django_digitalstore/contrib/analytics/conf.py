"""Settings of the sales analytics. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta

from appconf import AppConf

__all__ = ["AnalyticsConf"]


class AnalyticsConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """How long a dashboard is kept."""

    #: How long a dashboard's figures are kept in the cache.
    ANALYTICS_TIMEOUT = timedelta(seconds=60)

    class Meta:
        prefix = "digitalstore"
