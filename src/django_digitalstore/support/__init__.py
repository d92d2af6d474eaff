"""Paid or included help, always for something that was bought."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django_digitalstore.core.model_slots import ModelSlot

if TYPE_CHECKING:
    from .abstract_models import (
        AbstractSupportAllowance,
        AbstractSupportAttachment,
        AbstractSupportMessage,
        AbstractSupportRequest,
        AbstractSupportTerms,
    )

__all__ = [
    "get_support_allowance_model",
    "get_support_attachment_model",
    "get_support_message_model",
    "get_support_request_model",
    "get_support_terms_model",
]

_MODELS = "django_digitalstore.support.abstract_models"
_FEATURE = "django_digitalstore.support"

_terms = ModelSlot(
    "SupportTerms", "DIGITALSTORE_SUPPORT_TERMS_MODEL", f"{_MODELS}.AbstractSupportTerms", _FEATURE
)
_allowance = ModelSlot(
    "SupportAllowance",
    "DIGITALSTORE_SUPPORT_ALLOWANCE_MODEL",
    f"{_MODELS}.AbstractSupportAllowance",
    _FEATURE,
)
_request = ModelSlot(
    "SupportRequest",
    "DIGITALSTORE_SUPPORT_REQUEST_MODEL",
    f"{_MODELS}.AbstractSupportRequest",
    _FEATURE,
)
_message = ModelSlot(
    "SupportMessage",
    "DIGITALSTORE_SUPPORT_MESSAGE_MODEL",
    f"{_MODELS}.AbstractSupportMessage",
    _FEATURE,
)
_attachment = ModelSlot(
    "SupportAttachment",
    "DIGITALSTORE_SUPPORT_ATTACHMENT_MODEL",
    f"{_MODELS}.AbstractSupportAttachment",
    _FEATURE,
)


def get_support_terms_model() -> type[AbstractSupportTerms]:
    """Return the host's model of support terms. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractSupportTerms]", _terms.get_model())


def get_support_allowance_model() -> type[AbstractSupportAllowance]:
    """Return the host's model of support allowances. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractSupportAllowance]", _allowance.get_model())


def get_support_request_model() -> type[AbstractSupportRequest]:
    """Return the host's model of support requests. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractSupportRequest]", _request.get_model())


def get_support_message_model() -> type[AbstractSupportMessage]:
    """Return the host's model of support messages. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractSupportMessage]", _message.get_model())


def get_support_attachment_model() -> type[AbstractSupportAttachment]:
    """Return the host's model of attachments. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractSupportAttachment]", _attachment.get_model())
