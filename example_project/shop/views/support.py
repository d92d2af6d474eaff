"""What customers ask about their products, and what sellers answer, on which terms."""

from django_digitalstore.contrib.shorturls.views import AttributesLinksMixin
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.support.views import (
    GenericAttachmentLinkView,
    GenericAttachmentView,
    GenericMySupportListView,
    GenericSellerSupportListView,
    GenericSupportCheckoutView,
    GenericSupportProductListView,
    GenericSupportRequestDetailView,
    GenericSupportRequestOpenView,
    GenericSupportTermsListView,
    GenericSupportTermsUpdateView,
)


class MySupportListView(IsCustomerMixin, GenericMySupportListView):
    base_template = "base_customer.html"
    active_page = "support"
    detail_url = "shop:support_request"
    products_url = "shop:support_products"


class SupportProductListView(IsCustomerMixin, GenericSupportProductListView):
    base_template = "base_customer.html"
    active_page = "support"
    open_url = "shop:support_open"
    list_url = "shop:support_list"


class SupportRequestOpenView(IsCustomerMixin, GenericSupportRequestOpenView):
    base_template = "base_customer.html"
    active_page = "support"
    detail_url = "shop:support_request"
    list_url = "shop:support_list"
    buy_url = "shop:support_buy"


class SupportCheckoutView(AttributesLinksMixin, IsCustomerMixin, GenericSupportCheckoutView):
    base_template = "base.html"
    active_page = "support"
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"


class SupportRequestDetailView(IsCustomerMixin, GenericSupportRequestDetailView):
    base_template = "base_customer.html"
    active_page = "support"
    list_url = "shop:support_list"
    attachment_url = "shop:support_attachment_link"


class AttachmentLinkView(IsCustomerMixin, GenericAttachmentLinkView):
    base_template = "base_customer.html"
    active_page = "support"
    redeem_url = "shop:support_attachment"
    list_url = "shop:support_list"


class AttachmentView(IsCustomerMixin, GenericAttachmentView):
    base_template = "base_customer.html"
    active_page = "support"
    attachment_url = "shop:support_attachment_link"
    list_url = "shop:support_list"


class SellerSupportListView(IsSellerMixin, GenericSellerSupportListView):
    base_template = "base_seller.html"
    active_page = "seller"
    detail_url = "shop:seller_support_request"
    terms_url = "shop:seller_support_terms"


class SellerSupportRequestDetailView(IsSellerMixin, GenericSupportRequestDetailView):
    base_template = "base_seller.html"
    active_page = "seller"
    list_url = "shop:seller_support"
    attachment_url = "shop:seller_support_attachment_link"


class SellerAttachmentLinkView(IsSellerMixin, GenericAttachmentLinkView):
    base_template = "base_seller.html"
    active_page = "seller"
    redeem_url = "shop:seller_support_attachment"
    list_url = "shop:seller_support"


class SellerAttachmentView(IsSellerMixin, GenericAttachmentView):
    base_template = "base_seller.html"
    active_page = "seller"
    attachment_url = "shop:seller_support_attachment_link"
    list_url = "shop:seller_support"


class SupportTermsListView(IsSellerMixin, GenericSupportTermsListView):
    base_template = "base_seller.html"
    active_page = "seller"
    update_url = "shop:seller_support_terms_update"
    queue_url = "shop:seller_support"


class SupportTermsUpdateView(IsSellerMixin, GenericSupportTermsUpdateView):
    base_template = "base_seller.html"
    active_page = "seller"
    success_url = "shop:seller_support_terms"
