"""Support: the store's own tables. Add fields freely; keep each Meta."""

from django.urls import reverse

from django_digitalstore.support.abstract_models import (
    AbstractSupportAllowance,
    AbstractSupportAttachment,
    AbstractSupportMessage,
    AbstractSupportRequest,
    AbstractSupportTerms,
)


class SupportTerms(AbstractSupportTerms):
    """What support a product comes with."""

    class Meta(AbstractSupportTerms.Meta):
        pass


class SupportAllowance(AbstractSupportAllowance):
    """Support that was bought or granted beyond that."""

    class Meta(AbstractSupportAllowance.Meta):
        pass


class SupportRequest(AbstractSupportRequest):
    """Somebody who bought a product needs help with it."""

    class Meta(AbstractSupportRequest.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("shop:support_request", args=[self.public_id])

    def get_seller_url(self) -> str:
        return reverse("shop:seller_support_request", args=[self.public_id])


class SupportMessage(AbstractSupportMessage):
    """What somebody wrote about it."""

    class Meta(AbstractSupportMessage.Meta):
        pass


class SupportAttachment(AbstractSupportAttachment):
    """A file of a message."""

    class Meta(AbstractSupportAttachment.Meta):
        pass
