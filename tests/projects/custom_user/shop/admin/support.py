"""Admin of the support: everything to read; staff grant, end, assign and answer with a reason."""

from django.contrib import admin

from django_digitalstore.support.admin import (
    AbstractSupportAllowanceAdmin,
    AbstractSupportAttachmentAdmin,
    AbstractSupportMessageAdmin,
    AbstractSupportRequestAdmin,
    AbstractSupportTermsAdmin,
)

from ..models import (
    SupportAllowance,
    SupportAttachment,
    SupportMessage,
    SupportRequest,
    SupportTerms,
)


@admin.register(SupportTerms)
class SupportTermsAdmin(AbstractSupportTermsAdmin):
    pass


@admin.register(SupportAllowance)
class SupportAllowanceAdmin(AbstractSupportAllowanceAdmin):
    pass


@admin.register(SupportRequest)
class SupportRequestAdmin(AbstractSupportRequestAdmin):
    pass


@admin.register(SupportMessage)
class SupportMessageAdmin(AbstractSupportMessageAdmin):
    pass


@admin.register(SupportAttachment)
class SupportAttachmentAdmin(AbstractSupportAttachmentAdmin):
    pass
