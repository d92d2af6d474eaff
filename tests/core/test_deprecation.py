"""A name that goes works until its time is over, and says what to write instead."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType

import pytest
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_digitalstore.core import deprecation
from django_digitalstore.core.checks import check_setting_names
from django_digitalstore.core.deprecation import (
    Deprecated,
    DigitalStoreDeprecationWarning,
    deprecated_function,
    deprecated_names,
    renamed_argument,
    renamed_hook,
    renamed_setting,
)
from django_digitalstore.core.money import format_money

TIME = {"since": "0.2.0", "removed_in": "0.4.0"}


def said(caught: pytest.WarningsRecorder) -> list[tuple[str, str]]:
    """Return message and file of each warning: the file is the caller's, who can mend it."""
    return [(str(w.message), w.filename) for w in caught]


@pytest.fixture
def module(monkeypatch):
    module = ModuleType("sold_out")
    module.__getattr__ = deprecated_names(  # type: ignore[method-assign]
        "sold_out", show_money=Deprecated("django_digitalstore.core.money.format_money", **TIME)
    )
    monkeypatch.setitem(sys.modules, "sold_out", module)
    return module


def test_an_old_name_of_a_module_is_the_new_one(module):
    message = (
        "sold_out.show_money – deprecated since 0.2.0, gone in 0.4.0 – "
        "write django_digitalstore.core.money.format_money."
    )
    with pytest.warns(DigitalStoreDeprecationWarning) as caught:
        assert module.show_money is format_money
    assert said(caught) == [(message, __file__)]


def test_an_old_name_can_be_imported(module):
    with pytest.warns(DigitalStoreDeprecationWarning) as caught:
        from sold_out import show_money  # type: ignore[import-not-found]
    assert show_money is format_money
    assert {filename for _, filename in said(caught)} == {__file__}


def test_a_name_that_never_was_is_none(module):
    with pytest.raises(AttributeError) as raised:
        _ = module.show_honey
    assert str(raised.value) == "module 'sold_out' has no attribute 'show_honey'"


def test_an_old_function_works_and_warns():
    @deprecated_function("grant_product()", **TIME)
    def give(user: str, *, reason: str = "") -> str:
        return user + reason

    with pytest.warns(DigitalStoreDeprecationWarning) as caught:
        assert give("anna", reason="!") == "anna!"
    assert said(caught) == [
        (
            (
                f"{__name__}.test_an_old_function_works_and_warns.<locals>.give() – deprecated "
                "since 0.2.0, gone in 0.4.0 – write grant_product()."
            ),
            __file__,
        )
    ]


@renamed_argument("because", "reason", **TIME)
def revoke(user: str, *, reason: str) -> str:
    return f"{user}: {reason}"


def test_an_old_argument_is_the_new_one():
    with pytest.warns(DigitalStoreDeprecationWarning) as caught:
        assert revoke("anna", because="refund") == "anna: refund"
    assert said(caught) == [
        (
            (
                f"{__name__}.revoke(): because=… – deprecated since 0.2.0, gone in 0.4.0 – "
                "write reason=…."
            ),
            __file__,
        )
    ]


def test_who_writes_the_new_argument_hears_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert revoke("anna", reason="refund") == "anna: refund"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_argument_is_not_given_under_both_names():
    with pytest.raises(TypeError) as raised:
        revoke("anna", because="refund", reason="dispute")
    assert str(raised.value) == (
        f"{__name__}.revoke() – got because= and reason=, which are the same."
    )


class Page:
    def __init_subclass__(cls) -> None:
        renamed_hook(cls, "get_heading", "get_title", **TIME)

    def get_title(self) -> str:
        return "ours"


def test_a_hook_under_its_old_name_is_still_asked():
    with pytest.warns(DigitalStoreDeprecationWarning) as caught:

        class HostPage(Page):
            def get_heading(self) -> str:
                return "the host's"

    assert HostPage().get_title() == "the host's"
    assert said(caught) == [
        (
            (
                f"{__name__}.test_a_hook_under_its_old_name_is_still_asked.<locals>.HostPage"
                ".get_heading() – deprecated since 0.2.0, gone in 0.4.0 – write get_title()."
            ),
            __file__,
        )
    ]


def test_a_host_that_has_both_hooks_keeps_its_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class HostPage(Page):
            def get_heading(self) -> str:
                return "for the old version"

            def get_title(self) -> str:
                return "for the new one"

    assert HostPage().get_title() == "for the new one"


# --- settings ---------------------------------------------------------------------------------


@pytest.fixture
def former(monkeypatch):
    """The setting DIGITALSTORE_ADDRESS was the former name of DIGITALSTORE_SITE_URL."""
    monkeypatch.setattr(deprecation, "_settings", {})

    def read() -> None:
        renamed_setting("DIGITALSTORE_ADDRESS", "DIGITALSTORE_SITE_URL", **TIME)

    return read


def test_the_value_of_a_former_setting_counts(former):
    with override_settings(DIGITALSTORE_ADDRESS="https://shop.example.com"):
        del settings.DIGITALSTORE_SITE_URL
        former()
        assert settings.DIGITALSTORE_SITE_URL == "https://shop.example.com"


def test_a_setting_has_one_value(former):
    with (
        override_settings(DIGITALSTORE_ADDRESS="https://a.example", DIGITALSTORE_SITE_URL="b"),
        pytest.raises(ImproperlyConfigured) as raised,
    ):
        former()
    assert str(raised.value) == (
        "DIGITALSTORE_ADDRESS – is the former name of DIGITALSTORE_SITE_URL, and has another value "
        "– remove DIGITALSTORE_ADDRESS."
    )


def test_w020_the_check_names_a_former_setting(former):
    with override_settings(DIGITALSTORE_ADDRESS=settings.DIGITALSTORE_SITE_URL):
        former()
        found: list[CheckMessage] = check_setting_names()
    assert found == [
        CheckWarning(
            "DIGITALSTORE_ADDRESS is deprecated since 0.2.0, and gone in 0.4.0.",
            hint="Write DIGITALSTORE_SITE_URL, with the same value.",
            id="digitalstore.W020",
        )
    ]


def test_no_check_speaks_of_a_former_setting_that_nobody_writes(former):
    former()
    assert check_setting_names() == []
