"""Pages of one's own that only owners see."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.generic import TemplateView

from django_digitalstore.entitlements import policies
from django_digitalstore.entitlements.decorators import requires_product
from django_digitalstore.entitlements.mixins import RequiresProductMixin

from ..models import Product


@requires_product()
def lesson(request, slug):
    return HttpResponse("The lesson.")


@requires_product(on_not_entitled=lambda request, product: redirect(product))
def excerpt(request, slug):
    return HttpResponse("The lesson, or its product's page.")


class ChapterView(RequiresProductMixin, TemplateView):
    template_name = "shop/chapter.html"

    def get_required_product(self):
        return get_object_or_404(Product, title=self.kwargs["book"])


def badge(request, slug):
    product = get_object_or_404(Product, slug=slug)
    owns = policies.has_access(request.user, product)
    return HttpResponse("yours" if owns else "buy it")
