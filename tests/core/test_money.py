"""Money: exact, in minor units, with the decimals of ISO 4217."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel import Locale
from babel.numbers import format_currency
from django import forms
from django.core.exceptions import ValidationError
from django.template import Context, Template
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from django_digitalstore.core.forms import PriceField
from django_digitalstore.core.money import (
    CURRENCIES,
    InvalidAmount,
    UnknownCurrency,
    display_money,
    exponent,
    format_money,
    to_major,
    to_minor,
    validate_currency,
)

currencies = st.sampled_from(sorted(CURRENCIES))


def message_of(function, *args) -> str:
    with pytest.raises(InvalidAmount) as caught:
        function(*args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        ("EUR", 2),
        ("JPY", 0),
        ("ISK", 0),
        ("UYI", 0),
        ("KWD", 3),
        ("IQD", 3),
        ("CLF", 4),
        ("UYW", 4),
    ],
)
def test_the_decimals_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


def test_every_currency_but_the_newest_is_known_to_babel() -> None:
    known = set(Locale.parse("en").currencies)
    assert CURRENCIES - known <= {"SLE", "VED", "XCG", "ZWG", "UYW"}


@pytest.mark.parametrize(
    ("amount", "currency", "major"),
    [
        (1999, "EUR", "19.99"),
        (0, "EUR", "0.00"),
        (5, "EUR", "0.05"),
        (-1999, "EUR", "-19.99"),
        (1999, "JPY", "1999"),
        (1999, "KWD", "1.999"),
        (10**30, "EUR", "1" + "0" * 28 + ".00"),
    ],
)
def test_minor_units_become_decimals_and_come_back(amount: int, currency: str, major: str) -> None:
    assert str(to_major(amount, currency)) == major
    assert to_minor(major, currency) == amount


@given(amount=st.integers(-(10**35), 10**35), currency=currencies)
def test_the_way_there_and_back_is_exact(amount: int, currency: str) -> None:
    assert to_minor(to_major(amount, currency), currency) == amount


def test_whole_units_may_be_ints_and_zeros_at_the_end_lose_nothing() -> None:
    assert to_minor(5, "EUR") == 500
    assert to_minor("19.9900", "EUR") == 1999
    assert to_minor("1999.00", "JPY") == 1999
    assert to_minor(Decimal("1E+2"), "EUR") == 10000


@pytest.mark.parametrize(
    ("amount", "currency", "message"),
    [
        (
            19.99,
            "EUR",
            (
                "19.99 is a float, which cannot hold money exactly. "
                "Write a string or a Decimal, as in Decimal('19.99')."
            ),
        ),
        (
            "19.999",
            "EUR",
            "19.999 EUR has too many decimals: EUR has 2. Round it before, by a rule of your own.",
        ),
        (
            "0.5",
            "JPY",
            "0.5 JPY has too many decimals: JPY has 0. Round it before, by a rule of your own.",
        ),
        (
            # More digits than the decimal context keeps: rounding would hide the last one.
            "12345678901234567.00000000000000000001",
            "EUR",
            (
                "12345678901234567.00000000000000000001 EUR has too many decimals: EUR has 2. "
                "Round it before, by a rule of your own."
            ),
        ),
        (
            "1_000",
            "EUR",
            "'1_000' is not an amount. Write digits with at most one full stop, as in '19.99'.",
        ),
        (
            "19,99",
            "EUR",
            "'19,99' is not an amount. Write digits with at most one full stop, as in '19.99'.",
        ),
        (
            "١",
            "EUR",
            "'١' is not an amount. Write digits with at most one full stop, as in '19.99'.",
        ),
        (
            Decimal("NaN"),
            "EUR",
            "Decimal('NaN') is not an amount. Write a finite number, as in '19.99'.",
        ),
        (
            Decimal("1E+999999"),
            "EUR",
            "Decimal('1E+999999') is not an amount of money that anybody pays. Write fewer digits.",
        ),
        (
            Decimal("1E-999999"),
            "EUR",
            "Decimal('1E-999999') is not an amount of money that anybody pays. Write fewer digits.",
        ),
        (
            True,
            "EUR",
            "True is not an amount. Write a Decimal, a string or an int, as in Decimal('19.99').",
        ),
        (
            "1",
            "eur",
            (
                "'eur' is not a currency. Write its ISO 4217 code in capital letters, as in 'EUR'. "
                "Did you mean 'EUR'?"
            ),
        ),
        (
            "1",
            "",
            "'' is not a currency. Write its ISO 4217 code in capital letters, as in 'EUR'.",
        ),
    ],
)
def test_nothing_is_rounded_or_guessed(amount: object, currency: str, message: str) -> None:
    assert message_of(to_minor, amount, currency) == message


@pytest.mark.parametrize("amount", [19.99, Decimal("19.99"), "1999", True, None])
def test_only_an_int_is_minor_units(amount: object) -> None:
    assert message_of(to_major, amount, "EUR") == (
        f"{amount!r} is not an amount in minor units. Write an int, as in 1999 for 19.99 EUR."
    )


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        (1999, "EUR", "en", "€19.99"),
        (1999, "EUR", "de", "19,99\xa0€"),
        (123456789, "USD", "en-gb", "US$1,234,567.89"),
        (1999, "JPY", "en", "¥1,999"),
        (1999, "KWD", "en", "KWD\xa01.999"),
        # CLDR writes Iraqi dinars without decimals; the buyer pays them all the same.
        (1999, "IQD", "en", "IQD\xa01.999"),
        (-500, "EUR", "en", "-€5.00"),
        (1999, "EUR", "zh-hans", "€19.99"),
        (1999, "EUR", "de-xx", "19,99\xa0€"),
        (1999, "EUR", "tlh", "€19.99"),
        (1999, "EUR", "../../etc", "€19.99"),
    ],
)
def test_money_is_written_for_the_reader(
    amount: int, currency: str, locale: str, text: str
) -> None:
    assert format_money(amount, currency, locale) == text


def test_the_active_language_is_the_default_and_the_sites_without_one() -> None:
    with translation.override("de"):
        assert format_money(1999, "EUR") == "19,99\xa0€"
    with translation.override(None):
        assert format_money(1999, "EUR") == "€19.99"


def test_formatting_one_currency_leaves_the_next_alone() -> None:
    assert format_money(1999, "KWD", "en") == "KWD\xa01.999"
    assert format_money(1999, "EUR", "en") == "€19.99"
    # Nor does it change the patterns that the site's own code gets from Babel.
    format_money(1999, "KWD", "en")
    assert format_currency(1, "EUR", locale="en", currency_digits=False) == "€1.00"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1999, "EUR", "€19.99"),
        (-1999, "EUR", "-€19.99"),
        (None, "EUR", ""),
        (2500, "usd", "2500 usd (minor units)"),
        (2500, "XXX", "2500 XXX (minor units)"),
        (2500, "", "2500 (minor units)"),
        (2500, None, "2500 (minor units)"),
        (0, "XXX", "0 XXX (minor units)"),
        ("2500", "EUR", "2500 EUR (minor units)"),
    ],
)
def test_what_a_provider_sent_is_displayed_whatever_it_is(amount, currency, text) -> None:
    with translation.override("en"):
        assert display_money(amount, currency) == text
        if not isinstance(amount, str):
            template = Template("{% load digitalstore_money %}{{ amount|money:currency }}")
            assert template.render(Context({"amount": amount, "currency": currency})) == text


def test_the_filter_writes_an_amount_and_nothing_for_none() -> None:
    template = Template("{% load digitalstore_money %}[{{ total|money:currency }}]")
    with translation.override("en"):
        assert template.render(Context({"total": 1999, "currency": "EUR"})) == "[€19.99]"
        assert template.render(Context({"total": 0, "currency": "EUR"})) == "[€0.00]"
    assert template.render(Context({"total": None, "currency": "EUR"})) == "[]"
    assert template.render(Context({"currency": "EUR"})) == "[]"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("eur", "“eur” is not a currency. Did you mean “EUR”?"),
        (" EUR", "“ EUR” is not a currency. Did you mean “EUR”?"),
        (
            "",
            "“” is not a currency. Write its ISO 4217 code in capital letters, like EUR.",
        ),
        (
            "XXX",
            "“XXX” is not a currency. Write its ISO 4217 code in capital letters, like EUR.",
        ),
    ],
)
def test_the_validator_says_what_to_write(value: str, message: str) -> None:
    validate_currency("EUR")
    with pytest.raises(ValidationError) as caught:
        validate_currency(value)
    assert caught.value.messages == [message]


def test_an_unknown_currency_is_an_invalid_amount_and_a_value_error() -> None:
    assert issubclass(UnknownCurrency, InvalidAmount)
    assert issubclass(InvalidAmount, ValueError)


# --- PriceField -----------------------------------------------------------------------------------


class EuroForm(forms.Form):
    price = PriceField(currency="EUR")


class AnyCurrencyForm(forms.Form):
    price = PriceField()
    currency = forms.ChoiceField(choices=[("EUR", "EUR"), ("JPY", "JPY"), ("KWD", "KWD")])

    def clean(self):
        cleaned = super().clean()
        if "price" in cleaned and "currency" in cleaned:
            try:
                cleaned["price"] = self.fields["price"].clean_for(
                    cleaned["price"], cleaned["currency"]
                )
            except ValidationError as error:
                self.add_error("price", error)
        return cleaned


@pytest.mark.parametrize(
    ("written", "minor"), [("19.99", 1999), ("20", 2000), ("0", 0), ("0.050", 5), (" 1.5 ", 150)]
)
def test_a_price_is_written_in_decimals_and_kept_in_minor_units(written: str, minor: int) -> None:
    form = EuroForm({"price": written})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["price"] == minor
    assert isinstance(form.cleaned_data["price"], int)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("19.999", "EUR has only 2 decimal places."),
        ("-1", "Ensure this value is greater than or equal to 0."),
        ("abc", "Enter a number."),
        ("NaN", "Enter a number."),
        ("1e400", "Ensure that there are no more than 14 digits in total."),
        ("999999999999999", "Ensure that there are no more than 14 digits in total."),
        ("", "This field is required."),
    ],
)
def test_a_price_that_cannot_be_is_refused_at_the_field(written: str, message: str) -> None:
    form = EuroForm({"price": written})
    assert form.errors == {"price": [message]}


def test_a_kept_price_is_shown_in_decimals_and_a_typed_one_as_typed() -> None:
    assert 'value="19.99"' in str(EuroForm(initial={"price": 1999})["price"])
    assert 'value="19.990"' in str(EuroForm({"price": "19.990"})["price"])
    assert 'step="0.01"' in str(EuroForm()["price"])


def test_another_spelling_of_the_same_price_is_no_change() -> None:
    assert not EuroForm({"price": "19.990"}, initial={"price": 1999}).has_changed()
    assert EuroForm({"price": "19.98"}, initial={"price": 1999}).has_changed()
    assert EuroForm({"price": "abc"}, initial={"price": 1999}).has_changed()


@pytest.mark.parametrize(
    ("written", "currency", "minor"), [("5", "JPY", 5), ("1.999", "KWD", 1999), ("5", "EUR", 500)]
)
def test_the_form_may_ask_for_the_currency_too(written: str, currency: str, minor: int) -> None:
    form = AnyCurrencyForm({"price": written, "currency": currency})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["price"] == minor


def test_decimals_that_the_chosen_currency_lacks_are_refused() -> None:
    form = AnyCurrencyForm({"price": "5.5", "currency": "JPY"})
    assert form.errors == {"price": ["JPY has no decimal places. Write a whole number."]}


def test_a_currency_may_be_assigned_when_the_form_is_made() -> None:
    form = AnyCurrencyForm(initial={"price": 1999})
    assert 'step="any"' in str(form["price"])
    form.fields["price"].currency = "KWD"
    assert 'value="1.999"' in str(form["price"])
    assert 'step="0.001"' in str(form["price"])


def test_the_largest_price_fits_a_64_bit_integer_in_every_currency() -> None:
    for currency in CURRENCIES:
        assert to_minor("9" * 14, currency) < 2**63
