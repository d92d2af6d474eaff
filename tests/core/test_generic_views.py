"""Every ``Generic…View`` refuses to be routed until a host has said what it needs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import reverse
from django.views.generic import TemplateView

import django_digitalstore
from django_digitalstore.catalog.views.panel import SellersStep
from django_digitalstore.core.exceptions import GenericViewRouted, RoleRequired
from django_digitalstore.core.roles import CUSTOMER, SELLER
from django_digitalstore.core.views import GenericView, IsCustomerMixin, IsSellerMixin

MIXINS = {CUSTOMER: IsCustomerMixin, SELLER: IsSellerMixin}


def generic_views() -> list[type[GenericView]]:
    """Return the generic views of the installed features, found by walking their modules."""
    for module in pkgutil.walk_packages(
        django_digitalstore.__path__, "django_digitalstore.", lambda name: None
    ):
        config = apps.get_containing_app_config(module.name)
        if config is not None and "views" in module.name.removeprefix(config.name).split("."):
            importlib.import_module(module.name)
    found: dict[str, type[GenericView]] = {}

    def walk(base: type[GenericView]) -> None:
        for cls in base.__subclasses__():
            # Looking for modules imports packages, those of features that aren't installed too.
            is_installed = apps.get_containing_app_config(cls.__module__) is not None
            is_ours = cls.__module__.startswith("django_digitalstore.")
            if is_ours and is_installed and cls.__name__.startswith("Generic"):
                found[cls.__name__] = cls
            walk(cls)

    walk(GenericView)
    return [found[name] for name in sorted(found)]


VIEWS = generic_views()
every_view = pytest.mark.parametrize("generic", VIEWS, ids=lambda view: view.__name__)


def cases() -> Iterator[Any]:
    """Yield (view, role) for each role that a view is for, and (view, None) for a public one."""
    for view in VIEWS:
        for role in view.roles or (None,):
            yield pytest.param(view, role, id=f"{view.__name__}-{role}")


def needs_of(view: type[GenericView]) -> dict[str, tuple[str, str]]:
    return view._all_needs()


def attributes(view: type[GenericView]) -> dict[str, Any]:
    """Return what a host defines for ``view``; any value will do until a page is made of it."""
    defined = dict.fromkeys(needs_of(view), "shop:product_list")
    # The page of a product's releases has the product in its address.
    return defined | ({"releases_url": "shop:product_detail"} if "releases_url" in defined else {})


def host_view(*bases: type, **defined: Any) -> Any:
    """Make a class as a host writes it, in a module of the host."""
    return type("HostView", bases, {"__module__": "atelier.views", **defined})


def bases_for(view: type[GenericView], role: str | None) -> tuple[type, ...]:
    return (MIXINS[role], view) if role else (view,)


def problem(view: Any, **initkwargs: Any) -> str:
    with pytest.raises(GenericViewRouted) as error:
        view.as_view(**initkwargs)
    return str(error.value)


def names_in(attribute: Any) -> tuple[str, ...]:
    """Return the names that a method's or a property's own code uses."""
    function = getattr(attribute, "fget", None) or getattr(attribute, "__func__", attribute)
    code = getattr(function, "__code__", None)
    return code.co_names if code else ()


def test_no_generic_view_leaves_a_hook_to_the_host_that_only_raises():
    """A base of the suite raises NotImplementedError; what a host subclasses has filled it."""
    left = [
        f"{view.__qualname__}.{name}"
        for view in generic_views()
        for name in dir(view)
        if "NotImplementedError" in names_in(inspect.getattr_static(view, name))
    ]
    assert "NotImplementedError" in names_in(vars(SellersStep)["take_step"])
    assert left == []


def test_the_names_to_keep_are_there():
    names = {view.__name__ for view in VIEWS}
    kept = {"catalog": "GenericProductListView", "entitlements": "GenericMyProductListView"}
    kept |= {"accounts": "GenericUserProfileView", "payments": "GenericOrderHistoryView"}
    installed = {f: n for f, n in kept.items() if apps.is_installed(f"django_digitalstore.{f}")}
    assert set(installed.values()) <= names


@every_view
def test_every_view_is_a_generic_view_first(generic):
    """So that its ``dispatch`` asks for the role before anything else runs."""
    mro = [cls.__module__ for cls in generic.__mro__]
    first_of_django = next(i for i, module in enumerate(mro) if module.startswith("django."))
    assert generic.__mro__.index(GenericView) < first_of_django


@every_view
def test_routed_bare_it_says_what_to_write(generic):
    mixin = [MIXINS[role].__name__ for role in generic.roles[:1]]
    bases = ", ".join([*mixin, generic.__name__])
    assert problem(generic, **attributes(generic)) == (
        f"{generic.__name__} is generic and cannot be routed. Subclass it in your project, as in "
        f"`class {generic.__name__.removeprefix('Generic')}({bases}):`, and route the subclass."
    )


@every_view
def test_a_subclass_without_a_role_is_told_the_mixin(generic):
    view = host_view(generic, **attributes(generic))
    if not generic.roles:
        view.as_view()  # a public page needs none
        return
    mixins = " or ".join(MIXINS[role].__name__ for role in generic.roles)
    assert problem(view) == (
        f"atelier.views.HostView has no role. Write "
        f"`class HostView({MIXINS[generic.roles[0]].__name__}, …):`; this view takes {mixins}."
    )


@every_view
def test_a_role_that_the_view_is_not_for_is_refused(generic):
    view = host_view(generic, role="affiliate", **attributes(generic))
    if not generic.roles:
        view.as_view()  # a host may close a public page
        return
    allowed = " or ".join(repr(role) for role in generic.roles)
    assert problem(view) == (
        f"atelier.views.HostView has the role 'affiliate', but this view is for {allowed}. Use "
        f"another mixin, or, if the page is safe for that role, write `roles = ('affiliate',)` in "
        f"the class."
    )
    host_view(generic, role="affiliate", roles=("affiliate",), **attributes(generic)).as_view()


@pytest.mark.parametrize(("generic", "role"), list(cases()))
def test_each_need_that_is_missing_is_named(generic, role):
    needs = needs_of(generic)
    defined = attributes(generic)
    assert needs
    for attribute, (method, example) in needs.items():
        if getattr(generic, attribute, None) is not None:
            continue  # the suite has a default
        rest = {name: value for name, value in defined.items() if name != attribute}
        view = host_view(*bases_for(generic, role), **rest)
        assert problem(view) == (
            f"atelier.views.HostView must define {attribute}. Write `{attribute} = {example}` in "
            f"the class, or override {method}()."
        )
        # The same given to as_view(), and by the method instead.
        view.as_view(**{attribute: defined[attribute]})
        host_view(view, **{method: lambda self, *args, **kwargs: None}).as_view()


@every_view
def test_each_need_names_a_hook_that_exists(generic):
    assert [
        m for m, _ in needs_of(generic).values() if not callable(getattr(generic, m, None))
    ] == []


@pytest.mark.parametrize(("generic", "role"), list(cases()))
def test_what_is_complete_is_routed_and_needs_no_log_in_of_djangos_middleware(generic, role):
    routed = host_view(*bases_for(generic, role), **attributes(generic)).as_view()
    assert routed.login_required is False  # it checks its role itself


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("generic", "role"), [case for case in cases() if case.values[1]])
def test_on_either_side_the_mixin_turns_visitors_away(generic, role, side):
    bases = bases_for(generic, role)
    view = host_view(*(bases if side == "left" else bases[::-1]), **attributes(generic)).as_view()
    for method in ("get", "post", "put", "delete", "options", "head"):
        request = getattr(RequestFactory(), method)("/page/?a=1")
        request.user = AnonymousUser()
        answer = view(request, slug="x", public_id="x", pk=1, token="x")
        assert answer.status_code == 302
        # Back to the page, or, from one that only takes a POST, to the page with its button.
        product = reverse("shop:product_detail", kwargs={"slug": "x"})
        back = {"/page/%3Fa%3D1", quote(reverse("shop:product_list")), quote(product)}
        assert answer["Location"].removeprefix("/accounts/login/?next=") in back


@pytest.mark.django_db
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("generic", "role"), [case for case in cases() if case.values[1] == SELLER]
)
def test_on_either_side_the_mixin_keeps_customers_out_of_sellers_pages(
    generic, role, side, customer
):
    bases = bases_for(generic, role)
    view = host_view(*(bases if side == "left" else bases[::-1]), **attributes(generic)).as_view()
    for method in ("get", "post"):
        request = getattr(RequestFactory(), method)("/page/")
        request.user = customer
        with pytest.raises(RoleRequired) as error:
            view(request, slug="x", public_id="x", pk=1, token="x")
        assert str(error.value) == "This page is for the role “seller”."


def test_the_mixin_guards_a_hosts_own_page_too():
    class Page(IsSellerMixin, TemplateView):
        template_name = "base.html"

    request = RequestFactory().get("/page/")
    request.user = AnonymousUser()
    assert Page.as_view()(request).status_code == 302


@pytest.mark.parametrize("attribute", ["role", "roles"])
@pytest.mark.parametrize(("generic", "role"), list(cases()))
def test_a_role_is_named_in_the_class_and_not_where_the_view_is_routed(generic, role, attribute):
    view = host_view(*bases_for(generic, role), **attributes(generic))
    with pytest.raises(GenericViewRouted) as refusal:
        view.as_view(**{attribute: None})
    assert str(refusal.value) == (
        f"{view.__module__}.{view.__qualname__}.as_view({attribute}=…) would change who may see "
        f"the page where it is routed. Name the role in the class, by IsCustomerMixin or "
        f"IsSellerMixin."
    )
