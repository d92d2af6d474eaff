"""Pages of the affiliates."""

from django.views.generic import TemplateView

from django_digitalstore.accounts.views import GenericUserProfileView

from ..forms.accounts import ProfileForm
from ..roles import IsAffiliateMixin


class TermsView(IsAffiliateMixin, TemplateView):
    template_name = "shop/affiliate_terms.html"


class AffiliateProfileView(IsAffiliateMixin, GenericUserProfileView):
    roles = ("affiliate",)  # the page is safe for them: it shows nobody but the user
    base_template = "shop/base.html"
    active_page = "affiliate"
    form_class = ProfileForm
    success_url = "shop:affiliate_terms"
