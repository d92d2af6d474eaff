"""The base of all generic views, and the mixins that give a subclass its role.

A generic view is a contract. It is abstract until a subclass in the host's project names a role
and defines what the view needs; ``as_view()`` says what is missing, so ``manage.py check`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from django.contrib.auth.views import redirect_to_login
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import classonlymethod
from django.utils.translation import gettext as _
from django.views.generic import View

from .exceptions import GenericViewRouted, RoleRequired
from .roles import CUSTOMER, SELLER, has_role

__all__ = [
    "GenericView",
    "IsCustomerMixin",
    "IsSellerMixin",
    "OutsideTransactionView",
    "RoleRequiredMixin",
    "SeeOther",
    "outside_transaction",
]


if TYPE_CHECKING:
    # Whatever a view responds with, so that the mixin agrees with every view of Django's.
    _View: TypeAlias = View[Any]
else:
    _View = View


class SeeOther(HttpResponseRedirect):
    """After a POST, go on with GET: the one redirect that says so."""

    status_code = 303


class RoleRequiredMixin(_View):
    """Lets only holders of ``role`` in; works on a host's own views too.

    Anonymous visitors are sent to log in and come back; others get the 403 page.
    """

    #: Name of a role in ``DIGITALSTORE_ROLES``. Set by a mixin, or by the host for its own roles.
    role: ClassVar[str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = self.check_role(request)
        response = refusal or super().dispatch(request, *args, **kwargs)
        if getattr(self, "role", None) is not None and not response.has_header("Cache-Control"):
            # A page for somebody is never kept for somebody else.
            add_never_cache_headers(response)
        return response

    def check_role(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return None for a holder of the role, a redirect to log in for an anonymous visitor.

        Raises ``RoleRequired`` (the 403 page) for anybody else.
        """
        role = getattr(self, "role", None)
        if role is None or has_role(request.user, role):
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(self.get_login_next(request))
        raise RoleRequired(_("This page is for the role “%(role)s”.") % {"role": role})

    def get_login_next(self, request: HttpRequest) -> str:
        """Return the path to come back to after logging in. Hook: no I/O."""
        return request.get_full_path()


class IsCustomerMixin(RoleRequiredMixin):
    """Gives a view the role customer."""

    role = CUSTOMER


class IsSellerMixin(RoleRequiredMixin):
    """Gives a view the role seller."""

    role = SELLER


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("django_digitalstore.")


class GenericView(RoleRequiredMixin):
    """Base of the ``Generic…View`` classes.

    Subclasses in the suite declare ``roles`` (whom the view is for; empty is everybody) and
    ``needs`` (attribute → the method that may be overridden instead). A host's subclass names the
    role by a mixin, on either side, and defines the needs, in the class or in ``as_view()``.
    """

    #: The roles that a subclass may name. Empty: the page is public and no role is needed.
    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    #: What a subclass must define: attribute → (method that may be overridden instead, example).
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "base_template": ("get_base_template", '"base.html"'),
        "active_page": ("get_active_page", '"shop"'),
    }
    #: The template that the page extends; it has the blocks ``title`` and ``content``.
    base_template: str | None = None
    #: Name of the page for the site's navigation, as in ``"orders"``.
    active_page: str | None = None
    #: Whether the page stays open while ``contrib.underconstruction`` closes the site: True, or
    #: ``"owners"``, where ``DIGITALSTORE_UNDERCONSTRUCTION_OPEN_TO_OWNERS`` says so, or
    #: ``"owners-read"``, where it says so and nothing is posted. Any view of a host may have it.
    open_under_construction: ClassVar[bool | Literal["owners", "owners-read"]] = False

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        """Return the view function. Raises ``GenericViewRouted``, which says what to write."""
        problem = next(iter(cls._problems(initkwargs)), None)
        if problem:
            raise GenericViewRouted(problem)
        view = super().as_view(**initkwargs)
        # LoginRequiredMiddleware would turn public pages away; the others check their role here.
        view.login_required = False  # type: ignore[attr-defined]
        return view

    @classmethod
    def _problems(cls, initkwargs: dict[str, Any]) -> Iterator[str]:
        name = f"{cls.__module__}.{cls.__qualname__}"
        for attribute in ("role", "roles"):
            if attribute in initkwargs:
                yield (
                    f"{name}.as_view({attribute}=…) would change who may see the page where it is "
                    f"routed. Name the role in the class, by IsCustomerMixin or IsSellerMixin."
                )
        role = getattr(cls, "role", None)
        mixins = {CUSTOMER: "IsCustomerMixin", SELLER: "IsSellerMixin"}
        if _is_ours(cls):
            bases = [mixins.get(r, r) for r in cls.roles[:1]] + [cls.__name__]
            yield (
                f"{cls.__name__} is generic and cannot be routed. Subclass it in your project, "
                f"as in `class {cls.__name__.removeprefix('Generic')}({', '.join(bases)}):`, "
                f"and route the subclass."
            )
        elif cls.roles and role is None:
            names = " or ".join(mixins.get(r, f'role = "{r}"') for r in cls.roles)
            yield (
                f"{name} has no role. Write "
                f"`class {cls.__name__}({mixins.get(cls.roles[0], '…')}, …):`; "
                f"this view takes {names}."
            )
        elif cls.roles and role not in cls.roles:
            allowed = " or ".join(repr(r) for r in cls.roles)
            yield (
                f"{name} has the role {role!r}, but this view is for {allowed}. Use another mixin, "
                f"or, if the page is safe for that role, write `roles = ({role!r},)` in the class."
            )
        for attribute, (method, example) in cls._all_needs().items():
            if not cls._defines(attribute, method, initkwargs):
                yield (
                    f"{name} must define {attribute}. Write `{attribute} = {example}` in the "
                    f"class, or override {method}()."
                )

    @classmethod
    def _all_needs(cls) -> dict[str, tuple[str, str]]:
        needs: dict[str, tuple[str, str]] = {}
        for base in reversed(cls.__mro__):
            needs.update(vars(base).get("needs", {}))
        return needs

    @classmethod
    def _defines(cls, attribute: str, method: str, initkwargs: dict[str, Any]) -> bool:
        if initkwargs.get(attribute) is not None or getattr(cls, attribute, None) is not None:
            return True
        for base in cls.__mro__:
            if method in vars(base):
                return not (_is_ours(base) or base.__module__.startswith("django."))
        return False

    def get_base_template(self) -> str:
        """Return the template that the page extends. Hook: no I/O."""
        assert self.base_template is not None  # as_view() saw to it
        return self.base_template

    def get_active_page(self) -> str:
        """Return the page's name for the site's navigation. Hook: no I/O."""
        assert self.active_page is not None
        return self.active_page

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``base_template``, ``active_page`` and ``role`` to the template's context. Hook."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        context["base_template"] = self.get_base_template()
        context["active_page"] = self.get_active_page()
        context["role"] = getattr(self, "role", None)
        return context


def outside_transaction(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Mark a view to run outside the transactions of ATOMIC_REQUESTS, of every database."""
    for alias in connections:
        transaction.non_atomic_requests(using=alias)(view)
    return view


class OutsideTransactionView(GenericView):
    """Base of pages that run outside the transaction of a request, whatever ATOMIC_REQUESTS says.

    For those that call a provider, store or send files, or wait for a lock: a transaction that has
    read before is refused the lock by SQLite, and holds it for as long as the page takes.
    """

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        # On the function itself: an attribute of dispatch() would be lost with the first mixin of
        # the host that overrides it.
        return outside_transaction(super().as_view(**initkwargs))
