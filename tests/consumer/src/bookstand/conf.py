"""Settings of bookstand. Each is read as ``settings.BOOKSTAND_<NAME>``."""

from appconf import AppConf

from django_digitalstore.core.conf import slot_default

__all__ = ["BookstandConf"]


class BookstandConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """The licence model."""

    #: The host's model; None means ``<DIGITALSTORE_STORE_APP>.Licence``.
    LICENCE_MODEL: str | None = None

    class Meta:
        prefix = "bookstand"

    def configure_licence_model(self, value: str | None) -> str:
        return slot_default(value, "Licence")
