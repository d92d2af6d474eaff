"""Money as integers of the currency's smallest unit, and its way to and from people.

1999 with "EUR" is 19.99 euros; 1999 with "JPY" is 1999 yen. The number of decimals is ISO 4217's.
"""

from __future__ import annotations

import copy
import difflib
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from .exceptions import DigitalStoreError

__all__ = [
    "CURRENCIES",
    "InvalidAmount",
    "UnknownCurrency",
    "babel_locale",
    "display_money",
    "exponent",
    "format_money",
    "to_major",
    "to_minor",
    "validate_currency",
]

#: The currencies of ISO 4217 that a thing can be sold in (no metals, no test codes).
CURRENCIES: Final[frozenset[str]] = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
    MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS
    UAH UGX USD UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905  a table to be compared with the standard by eye
)

# Not Babel's digits: CLDR says how money is usually written (IQD without decimals), ISO 4217 says
# what its smallest unit is, and only that one is what providers and books count in.
_EXPONENTS: Final[dict[str, int]] = {
    code: digits
    for digits, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")
# More than any database integer of ours holds; beyond it a typo costs memory, not money.
_LONGEST = 40


class InvalidAmount(DigitalStoreError, ValueError):
    """An amount of money is of the wrong type, or finer than the currency's smallest unit."""


class UnknownCurrency(InvalidAmount):
    """A currency is not a code of ISO 4217 in capital letters."""

    def __init__(self, currency: object) -> None:
        close = _close_currency(currency)
        hint = f" Did you mean {close!r}?" if close else ""
        super().__init__(
            f"{currency!r} is not a currency. Write its ISO 4217 code in capital letters, as in "
            f"'EUR'.{hint}"
        )


def exponent(currency: str) -> int:
    """Return how many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises ``UnknownCurrency``.
    """
    if currency not in CURRENCIES:
        raise UnknownCurrency(currency)
    return _EXPONENTS.get(currency, 2)


def to_major(amount: int, currency: str) -> Decimal:
    """Return minor units as the decimal that people write: (1999, "EUR") → Decimal("19.99").

    Always with the currency's own number of decimals. Raises ``InvalidAmount`` for anything but
    an int, and ``UnknownCurrency``.
    """
    digits = exponent(currency)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise InvalidAmount(
            f"{amount!r} is not an amount in minor units. Write an int, as in 1999 for 19.99 EUR."
        )
    # Built from text and not by division: exact whatever the context's precision.
    return Decimal(f"{amount}e-{digits}")


def to_minor(amount: Decimal | str | int, currency: str) -> int:
    """Return a decimal amount in minor units, exactly: ("19.99", "EUR") → 1999.

    A string is digits with at most one full stop; an int is whole euros. Raises ``InvalidAmount``
    for floats, for what is not a number, and where decimals would be lost: nothing is rounded.
    """
    digits = exponent(currency)
    if isinstance(amount, float):
        raise InvalidAmount(
            f"{amount!r} is a float, which cannot hold money exactly. "
            f"Write a string or a Decimal, as in Decimal('{amount:.{digits}f}')."
        )
    if isinstance(amount, bool) or not isinstance(amount, (Decimal, str, int)):
        raise InvalidAmount(
            f"{amount!r} is not an amount. Write a Decimal, a string or an int, as in "
            f"Decimal('19.99')."
        )
    if isinstance(amount, str) and not _NUMBER.fullmatch(amount):
        raise InvalidAmount(
            f"{amount!r} is not an amount. Write digits with at most one full stop, as in '19.99'."
        )
    decimal = Decimal(amount)
    sign, numerals, shift = decimal.as_tuple()
    if not isinstance(shift, int):
        raise InvalidAmount(f"{amount!r} is not an amount. Write a finite number, as in '19.99'.")
    if decimal and abs(decimal.adjusted()) > _LONGEST:
        raise InvalidAmount(
            f"{amount!r} is not an amount of money that anybody pays. Write fewer digits."
        )
    value = int("".join(map(str, numerals)))
    shift += digits
    if shift >= 0 or not value:
        value = value * 10**shift if value else 0
    else:
        value, lost = divmod(value, 10**-shift)
        if lost:
            raise InvalidAmount(
                f"{amount!s} {currency} has too many decimals: {currency} has {digits}. "
                "Round it before, by a rule of your own."
            )
    return -value if sign else value


def format_money(amount: int, currency: str, locale: str | None = None) -> str:
    """Return minor units as a person reads them: (1999, "EUR", "de") → "19,99 €".

    ``locale`` is a language code of Django or a locale name; None is the active language. A
    language that Babel doesn't know is written as English. Decimals are ISO 4217's, never the
    locale's. Raises what ``to_major`` raises.
    """
    major = to_major(amount, currency)
    return _written(major, currency, locale or get_language() or settings.LANGUAGE_CODE)


# The prices of a shop are few, and each is on many pages: what Babel makes of one costs more than
# all the rest of a line in a list.
@lru_cache(maxsize=4096)
def _written(major: Decimal, currency: str, language: str) -> str:
    chosen = babel_locale(language)
    pattern = copy.copy(chosen.currency_formats["standard"])
    pattern.frac_prec = (exponent(currency),) * 2
    text = pattern.apply(major, chosen, currency=currency, currency_digits=False)
    # CLDR's rule that Babel leaves out: letters keep their distance from digits, as in "KWD 1.999".
    return _LETTER_BESIDE_DIGIT.sub("\xa0", text)


def display_money(amount: int | None, currency: str) -> str:
    """Return what ``format_money`` does, but never raise: pages show what a provider sent.

    Nothing for no amount. In a currency that nobody knows, the number and the code as they came:
    (2500, "XXX") → "2500 XXX (minor units)".
    """
    if amount is None:
        return ""
    try:
        return format_money(amount, currency)
    except InvalidAmount:
        text = " ".join(str(part) for part in (amount, currency) if part not in ("", None))
        return _("%(amount)s (minor units)") % {"amount": text}


def validate_currency(value: str) -> None:
    """Validate a model field: a known ISO 4217 code in capital letters."""
    if value in CURRENCIES:
        return
    close = _close_currency(value)
    if close:
        raise ValidationError(
            _("“%(value)s” is not a currency. Did you mean “%(close)s”?"),
            code="invalid_currency",
            params={"value": value, "close": close},
        )
    raise ValidationError(
        _("“%(value)s” is not a currency. Write its ISO 4217 code in capital letters, like EUR."),
        code="invalid_currency",
        params={"value": value},
    )


def _close_currency(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    written = value.strip().upper()
    if written in CURRENCIES:
        return written
    if len(written) < 3:
        return None
    return next(iter(difflib.get_close_matches(written, sorted(CURRENCIES), n=1, cutoff=0.8)), None)


@lru_cache(maxsize=256)
def babel_locale(language: str) -> Locale:
    """Return Babel's locale of a language code of Django; English for one that it doesn't know."""
    for candidate in (language, language.replace("_", "-").partition("-")[0]):
        try:
            return Locale.parse(to_locale(candidate.replace("_", "-")))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale.parse("en")
