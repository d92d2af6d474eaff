"""Pages that do something else than the suite's."""

from django_digitalstore.core.views import IsCustomerMixin
from django_digitalstore.payments.views import GenericCheckoutView

from ..forms.checkout import CheckoutForm
from . import catalog


class BookListView(catalog.ProductListView):
    """Another queryset, and more context."""

    def get_products(self):
        return super().get_products().exclude(title__startswith="Secret")

    def get_context_data(self, **kwargs):
        return super().get_context_data(motto="Read more.", **kwargs)


class BookDetailView(catalog.ProductDetailView):
    """What its template, shop/product_detail.html, shows besides."""

    def get_context_data(self, **kwargs):
        others = self.get_products().exclude(pk=self.object.pk).order_by("?")[:3]
        return super().get_context_data(others=others, **kwargs)


class BookCreateView(catalog.SellerProductCreateView):
    """Another way on, and another message."""

    def get_success_url(self):
        return f"{super().get_success_url()}?new={self.object.slug}"

    def get_success_message(self):
        return f"“{self.object}” stands on the shelf."


class BookCheckoutView(IsCustomerMixin, GenericCheckoutView):
    """Another form, whose answer the order keeps."""

    base_template = "shop/base.html"
    active_page = "shop"
    form_class = CheckoutForm
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"

    def get_order_fields(self, form):
        return {**super().get_order_fields(form), "dedication": form.cleaned_data["dedication"]}


class DonationCheckoutView(BookCheckoutView):
    """The same for another kind of line."""

    line_kind = "donation"


class AcmeCheckoutView(BookCheckoutView):
    """The same, paid at another provider."""

    payment_alias = "acme"
