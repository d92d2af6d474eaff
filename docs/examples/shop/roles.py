"""The role of those who send buyers."""

from django_digitalstore.core.views import RoleRequiredMixin


def is_affiliate(user):
    return (
        user.is_authenticated and user.is_active and user.groups.filter(name="affiliates").exists()
    )


class IsAffiliateMixin(RoleRequiredMixin):
    role = "affiliate"
