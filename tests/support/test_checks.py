"""What the settings must say, for support to be sold and heard of."""

from __future__ import annotations

from django.test import override_settings

from django_digitalstore.support.checks import check_support_fulfilment, check_support_notifiers


def test_the_full_store_is_right() -> None:
    assert check_support_fulfilment() == []
    assert check_support_notifiers() == []


@override_settings(DIGITALSTORE_FULFILMENTS={"product": "x"})
def test_without_a_fulfilment_it_says_what_to_write() -> None:
    (error,) = check_support_fulfilment()
    assert error.id == "digitalstore.E401"
    assert error.msg == (
        "DIGITALSTORE_FULFILMENTS has no entry 'support': nobody could buy support, and a paid "
        "line of it would give nothing."
    )
    assert error.hint == (
        "Write DIGITALSTORE_FULFILMENTS = {'support': "
        "'django_digitalstore.support.fulfilments.SupportFulfilment'}."
    )


@override_settings(DIGITALSTORE_SUPPORT_NOTIFIERS=["nowhere.at.all", f"{__name__}.NO_FUNCTION"])
def test_a_notifier_that_cannot_be_called_is_named() -> None:
    missing, uncallable = check_support_notifiers()
    assert {missing.id, uncallable.id} == {"digitalstore.E402"}
    assert missing.msg == (
        "DIGITALSTORE_SUPPORT_NOTIFIERS names 'nowhere.at.all', which can't be imported: No "
        "module named 'nowhere'."
    )
    assert uncallable.msg == (
        f"DIGITALSTORE_SUPPORT_NOTIFIERS names '{__name__}.NO_FUNCTION', which is no function."
    )
    assert missing.hint == "Write the dotted path of a function notify(event)."


@override_settings(DIGITALSTORE_SUPPORT_NOTIFIERS="shop.chat.notify")
def test_a_single_path_is_asked_to_be_a_list() -> None:
    (error,) = check_support_notifiers()
    assert error.id == "digitalstore.E402"
    assert error.msg == (
        "DIGITALSTORE_SUPPORT_NOTIFIERS is the text 'shop.chat.notify', and each of its letters "
        "would be taken for a path."
    )
    assert error.hint == "Write DIGITALSTORE_SUPPORT_NOTIFIERS = ['shop.chat.notify']."


NO_FUNCTION = 42
