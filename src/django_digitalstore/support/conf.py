"""Settings of the support. Each is read as ``settings.DIGITALSTORE_<NAME>``."""

from datetime import timedelta

from appconf import AppConf

from django_digitalstore.core.conf import slot_default

__all__ = ["SupportConf"]


class SupportConf(AppConf):  # type: ignore[misc]  # django-appconf is untyped
    """Models, limits, and who is told."""

    #: The host's models; None means ``<STORE_APP>.SupportTerms`` and so on.
    SUPPORT_TERMS_MODEL: str | None = None
    SUPPORT_ALLOWANCE_MODEL: str | None = None
    SUPPORT_REQUEST_MODEL: str | None = None
    SUPPORT_MESSAGE_MODEL: str | None = None
    SUPPORT_ATTACHMENT_MODEL: str | None = None
    #: Requests that one user may open within an hour, over all products; None: without a limit.
    SUPPORT_REQUESTS_PER_HOUR: int | None = 5
    #: Messages that a customer may write within an hour; None: without a limit.
    SUPPORT_MESSAGES_PER_HOUR: int | None = 60
    #: The longest message, in characters.
    SUPPORT_MESSAGE_LENGTH = 20_000
    #: Files that one message may bring.
    SUPPORT_ATTACHMENTS = 5
    #: The largest of them, in bytes.
    SUPPORT_ATTACHMENT_MAX_BYTES = 10 * 1024**2
    #: Their extensions, in lower case; None takes all.
    SUPPORT_ATTACHMENT_EXTENSIONS: tuple[str, ...] | None = (
        "csv",
        "gif",
        "jpeg",
        "jpg",
        "json",
        "log",
        "md",
        "pdf",
        "png",
        "txt",
        "webp",
        "zip",
    )
    #: How long a link to an attachment works after the click that made it.
    SUPPORT_LINK_AGE = timedelta(minutes=10)
    #: How long after it was resolved a request is closed; None: never by itself.
    SUPPORT_CLOSE_AFTER: timedelta | None = timedelta(days=14)
    #: How long after it was resolved its customer may reopen a request.
    SUPPORT_REOPEN_WITHIN = timedelta(days=14)
    #: Functions that are told of every event, as dotted paths: ``notify(event: SupportEvent)``.
    SUPPORT_NOTIFIERS: tuple[str, ...] = ()
    #: Requests on one page of a list.
    SUPPORT_REQUESTS_PER_PAGE = 25

    class Meta:
        prefix = "digitalstore"

    def configure_support_terms_model(self, value: str | None) -> str:
        return slot_default(value, "SupportTerms")

    def configure_support_allowance_model(self, value: str | None) -> str:
        return slot_default(value, "SupportAllowance")

    def configure_support_request_model(self, value: str | None) -> str:
        return slot_default(value, "SupportRequest")

    def configure_support_message_model(self, value: str | None) -> str:
        return slot_default(value, "SupportMessage")

    def configure_support_attachment_model(self, value: str | None) -> str:
        return slot_default(value, "SupportAttachment")
