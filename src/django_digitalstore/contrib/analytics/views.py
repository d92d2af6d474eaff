"""Pages of the figures: a seller's own, the whole site's for staff, and both as files.

All are generic: a host subclasses them and routes the subclass. What they show comes from
``figures``, and is kept in the shared cache by seller, days and filters.
"""

from __future__ import annotations

from typing import Any, ClassVar, final

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View

from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView
from django_digitalstore.payments import get_order_model

from .exports import csv_response
from .forms import FiguresForm
from .presentation import Dashboard
from .reports import NotOfSeller, Query, Report, cached_report, count_report
from .tables import TABLES, Table

__all__ = [
    "FiguresPage",
    "GenericSalesDashboardView",
    "GenericSalesExportView",
    "GenericSiteSalesDashboardView",
    "GenericSiteSalesExportView",
]


class FiguresPage(GenericView):
    """What the pages share: the form, whose figures, and the way through the cache."""

    form_class: type[FiguresForm] = FiguresForm

    def __init__(self, **initkwargs: Any) -> None:
        super().__init__(**initkwargs)
        #: What ``as_view()`` was told: two routes of one class may count differently.
        self._told = repr(sorted(initkwargs.items())) if initkwargs else ""

    def get_form(self) -> FiguresForm:
        """Return the form with what the address says. Hook: no I/O."""
        return self.form_class(self.request.GET)

    def get_seller(self) -> Any:
        """Return the user whose products count; None is the whole site."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_seller().")

    def get_query(self, form: FiguresForm) -> Query:
        """Return what a valid form asks, of whom this page is about."""
        asked = form.cleaned_data
        return Query(
            seller=self.get_seller(),
            span=asked["range"],
            before=asked["before"],
            period=asked["period"],
            product_key=asked["product"] or None,
            country=asked["country"] or None,
            currency=asked["currency"] or None,
        )

    @final
    def get_report(self, query: Query) -> Report:
        """Return the figures, from the cache where they are. Not a hook: see ``count_report()``.

        Raises ``Http404`` for a product that is not the seller's.
        """
        # A page and its files share what the suite counts; a class of the host's may count by what
        # else it says.
        cls = type(self)
        is_ours = cls.count_report is FiguresPage.count_report
        counted_by = "" if is_ours else f"{cls.__module__}.{cls.__qualname__}{self._told}"
        try:
            return cached_report(query, self.count_report, counted_by)
        except NotOfSeller:
            raise Http404(_("There is no such product.")) from None

    def count_report(self, query: Query) -> Report:
        """Count the figures; what it returns is kept in the cache. Hook: keep to ``query``."""
        return count_report(query)


class _OfSeller(FiguresPage):
    roles: ClassVar[tuple[str, ...]] = (SELLER,)

    def get_seller(self) -> Any:
        """Return who asks: the one tenant filter. Hook: a user whose figures they may see."""
        return self.request.user


class _OfSite(FiguresPage):
    """For staff who may view the daily figures; a role may be asked for as well."""

    roles: ClassVar[tuple[str, ...]] = ()
    #: The permission that staff need beside their status.
    permission: ClassVar[str] = "digitalstore_analytics.view_dailyfigures"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    def check_role(self, request: HttpRequest) -> HttpResponseBase | None:
        """Let active staff with the permission in, and whom the role refuses never."""
        user: Any = request.user
        if not user.is_authenticated:
            return redirect_to_login(self.get_login_next(request))
        if not (user.is_active and user.is_staff and user.has_perm(self.permission)):
            raise PermissionDenied(_("This page is for staff who may view the figures."))
        return super().check_role(request)

    def get_seller(self) -> Any:
        """Return nobody: all sellers' products count, and the site's own."""
        return None


class _DashboardPage(FiguresPage, TemplateView):
    """Shows the figures; 400 with the form where it is not filled in as it must be."""

    template_name: str | None = None
    #: URL, or its name, of your ``Generic…ExportView``; None leaves the links to files out.
    export_url: str | None = None

    def get_template_names(self) -> list[str]:
        """Return the templates to try, first one first. Hook: no I/O."""
        if self.template_name:
            return [self.template_name]
        app_label = get_order_model()._meta.app_label
        return [f"{app_label}/sales_dashboard.html", "digitalstore/analytics/sales_dashboard.html"]

    def get_export_url(self) -> str:
        """Return where the figures are as files, or nothing. Hook: no I/O."""
        return resolve_url(self.export_url) if self.export_url else ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if not form.is_valid():
            return self.render_to_response(
                self.get_context_data(form=form, dashboard=None), status=400
            )
        query = self.get_query(form)
        report = self.get_report(query)
        form.offer(report)
        dashboard = Dashboard(query, report, form.asked(), self.get_export_url())
        return self.render_to_response(self.get_context_data(form=form, dashboard=dashboard))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``form``, ``dashboard`` (None where the form is not valid) and ``is_site``."""
        return super().get_context_data(is_site=self.get_seller() is None, **kwargs)


class _ExportPage(FiguresPage, View):
    """Sends one table as CSV (``?table=periods``, ``products`` or ``countries``), in one currency.

    Takes what the dashboard takes. Amounts are written in the currency's own unit, exactly; the
    names of the columns are the same in every language. 400 with plain text for what cannot be
    read, 404 for another table.
    """

    # A file extends no template and stands in no navigation.
    base_template = ""
    active_page = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send the file."""
        table = TABLES.get(request.GET.get("table", "periods"))
        if table is None:
            raise Http404(_("There is no such table."))
        form = self.get_form()
        if not form.is_valid():
            problems = "\n".join(str(text) for texts in form.errors.values() for text in texts)
            return HttpResponse(problems, status=400, content_type="text/plain; charset=utf-8")
        query = self.get_query(form)
        report = self.get_report(query)
        return self.send(request, table, query, report)

    def send(
        self, request: HttpRequest, table: Table, query: Query, report: Report
    ) -> StreamingHttpResponse:
        """Send a table. Hook."""
        name = f"{table.name}-{query.span.first}-{query.span.last}-{report.currency or 'none'}.csv"
        return csv_response(request, name, table.header, table.rows(query, report))


class GenericSalesDashboardView(_OfSeller, _DashboardPage):
    """What a seller sold: their own products, and nobody else's.

    Cached it sends no query beside those by which the user is known and their role is asked.
    """


class GenericSalesExportView(_OfSeller, _ExportPage):
    """A table of what a seller sold, as a file."""


class GenericSiteSalesDashboardView(_OfSite, _DashboardPage):
    """What the whole site sold, for staff with the permission to view the daily figures."""


class GenericSiteSalesExportView(_OfSite, _ExportPage):
    """A table of what the whole site sold, as a file."""
