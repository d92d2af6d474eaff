"""What a site writes into OPTIONS, and what it is told when that is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_digitalstore.contrib.dodopayments import DodoPaymentsBackend
from django_digitalstore.core.exceptions import InvalidBackend
from django_digitalstore.payments.backends import payment_backends
from tests.contrib.dodopayments.peer import KEY, SECRET
from tests.contrib.dodopayments.test_calls import ATTEMPT

PATH = "django_digitalstore.contrib.dodopayments.DodoPaymentsBackend"
WHOLE = {"ENVIRONMENT": "test_mode", "API_KEY": KEY, "WEBHOOK_SECRET": SECRET}


def loaded(**options: Any) -> DodoPaymentsBackend:
    """Load the backend as a site does, without the options that are None."""
    given = {name: value for name, value in {**WHOLE, **options}.items() if value is not None}
    with override_settings(DIGITALSTORE_PAYMENTS={"default": {"BACKEND": PATH, "OPTIONS": given}}):
        backend = payment_backends["default"]
    assert isinstance(backend, DodoPaymentsBackend)
    return backend


def found(**options: Any) -> list[tuple[str, str, str | None]]:
    return [(str(m.id), m.msg, m.hint) for m in loaded(**options).check()]


def refused(**options: Any) -> str:
    with pytest.raises(InvalidBackend) as raised:
        loaded(**options)
    return str(raised.value).removeprefix("DIGITALSTORE_PAYMENTS['default']: ")


def test_a_whole_configuration_has_nothing_to_be_told():
    assert found() == []
    assert found(WEBHOOK_SECRET=[SECRET, SECRET]) == []


def test_live_is_where_real_money_is(settings):
    settings.DIGITALSTORE_TEST_MODE = False
    backend = loaded(ENVIRONMENT="live_mode")
    assert (backend.is_test, backend.base_url) == (False, "https://live.dodopayments.com")


def test_where_dodo_is_never_depends_on_variables_of_the_environment(monkeypatch):
    monkeypatch.setenv("DODO_PAYMENTS_BASE_URL", "https://elsewhere.example.com")
    monkeypatch.setenv("DODO_PAYMENTS_API_KEY", "another-key")
    client = loaded().client
    assert (str(client.base_url), client.bearer_token) == ("https://test.dodopayments.com", KEY)
    assert client.max_retries == 0


@pytest.mark.parametrize("options", [{}, {"BASE_URL": "http://127.0.0.1:4010"}])
def test_pretended_money_needs_test_mode(settings, options):
    settings.DIGITALSTORE_TEST_MODE = False
    environment = "live_mode" if options else "test_mode"
    assert refused(ENVIRONMENT=environment, **options) == (
        "DodoPaymentsBackend is in test mode (ENVIRONMENT or BASE_URL), and "
        "DIGITALSTORE_TEST_MODE is off. Name your provider's backend with its live keys, or write "
        "DIGITALSTORE_TEST_MODE = DEBUG in the settings file while you develop."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ENVIRONMENT": None},
            (
                "DodoPaymentsBackend needs the option 'ENVIRONMENT'. Add it to OPTIONS: "
                "{'ENVIRONMENT': …}."
            ),
        ),
        (
            {"ENVIRONMENT": "live"},
            (
                "ENVIRONMENT is 'live'. Write 'test_mode' or 'live_mode': each has keys, products "
                "and webhooks of its own."
            ),
        ),
        (
            {"ENVIRONMENT": True},
            "ENVIRONMENT is of type bool. Write it as in 'ENVIRONMENT': 'test_mode'.",
        ),
        (
            {"WEBHOOK_KEY": "x"},
            "unknown option 'WEBHOOK_KEY'. Did you mean 'WEBHOOK_SECRET'?",
        ),
        (
            {"WEBHOOK_SECRET": 5},
            "WEBHOOK_SECRET is of type int. Write 'whsec_…', or a list of them while it rotates.",
        ),
        (
            {"TAX_INCLUSIVE": "no"},
            "TAX_INCLUSIVE is of type str. Write it as in 'TAX_INCLUSIVE': True.",
        ),
        ({"TIMEOUT": 0}, "TIMEOUT is 0. Write seconds, more than 0 and at most 60."),
        ({"TIMEOUT": True}, "TIMEOUT is of type bool. Write it as in 'TIMEOUT': 10."),
        (
            {"BASE_URL": "https://dodo.example.com"},
            (
                "BASE_URL is 'https://dodo.example.com', which would be sent your API key. Leave "
                "it out: ENVIRONMENT says where Dodo Payments is. It is for a peer on 127.0.0.1 in "
                "tests."
            ),
        ),
    ],
)
def test_a_wrong_option_is_refused_when_it_is_loaded(options, message):
    assert refused(**options) == message


@pytest.mark.parametrize("key", [None, "", "  ", 5])
def test_a_missing_key_is_an_error_of_the_checks_and_of_the_call(key):
    assert found(API_KEY=key) == [
        (
            "digitalstore.E501",
            "DIGITALSTORE_PAYMENTS['default'] has no API_KEY: no checkout can be opened.",
            (
                "Make one in Dodo's dashboard, under Developer → API Keys, in test_mode, and write "
                "'API_KEY': os.environ['DODO_API_KEY']."
            ),
        )
    ]
    with pytest.raises(ImproperlyConfigured) as raised:
        loaded(API_KEY=key).create_checkout(ATTEMPT)
    assert str(raised.value) == (
        "DIGITALSTORE_PAYMENTS['default'] has no API_KEY. Write one into its OPTIONS."
    )


@pytest.mark.parametrize("secret", [None, "", []])
def test_a_missing_secret_is_an_error_of_the_checks_and_503_for_every_webhook(client, secret):
    assert found(WEBHOOK_SECRET=secret) == [
        (
            "digitalstore.E502",
            (
                "DIGITALSTORE_PAYMENTS['default'] has no WEBHOOK_SECRET: every webhook is answered "
                "503, and nobody who pays gets access."
            ),
            (
                "Add the webhook <site>/…/payments/default/webhook/ in Dodo's dashboard, and write "
                "'WEBHOOK_SECRET': os.environ['DODO_WEBHOOK_SECRET']."
            ),
        )
    ]
    options = {"ENVIRONMENT": "test_mode", "WEBHOOK_SECRET": secret or ""}
    with override_settings(
        DIGITALSTORE_PAYMENTS={"default": {"BACKEND": PATH, "OPTIONS": options}}
    ):
        response = client.post("/store/payments/default/webhook/", b"{}", "application/json")
    assert response.status_code == 503


def test_a_secret_that_anybody_could_guess_is_an_error_of_the_checks():
    assert found(WEBHOOK_SECRET=[SECRET, "whsec_c2hvcnQ="]) == [
        (
            "digitalstore.E503",
            (
                "DIGITALSTORE_PAYMENTS['default']: The webhook secret holds 5 bytes, and at least "
                "24 are needed. Write it whole, or have the provider make a new one."
            ),
            None,
        )
    ]


def test_two_aliases_that_share_a_secret_are_named(db):
    live = {**WHOLE, "WEBHOOK_SECRET": ["whsec_" + "A" * 40, f"{SECRET}\n"]}
    both = {
        "default": {"BACKEND": PATH, "OPTIONS": live},
        "test": {"BACKEND": PATH, "OPTIONS": WHOLE},
        "broken": {"BACKEND": PATH, "OPTIONS": {}},
    }
    with override_settings(DIGITALSTORE_PAYMENTS=both):
        shared = [m for m in run_checks() if m.id == "digitalstore.E308"]
    assert [(m.msg, m.hint) for m in shared] == [
        (
            (
                "DIGITALSTORE_PAYMENTS['default'] and DIGITALSTORE_PAYMENTS['test'] share a "
                "webhook secret: what is signed for the one is taken for the other's."
            ),
            (
                "Have the provider make a secret for each webhook, and write each into its own "
                "alias's OPTIONS."
            ),
        )
    ]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_sdk_is_loaded_with_the_first_call_and_not_before():
    code = (
        "import sys, django; from django.conf import settings; settings.configure(); "
        "import django_digitalstore.contrib.dodopayments; "
        "print([name for name in ('dodopayments', 'httpx') if name in sys.modules])"
    )
    assert run(code) == "[]\n"


def test_without_the_sdk_the_package_says_what_to_install():
    code = (
        "import sys, importlib.util; real = importlib.util.find_spec; "
        "importlib.util.find_spec = lambda name: None if name == 'dodopayments' else real(name); "
        "import django_digitalstore.contrib.dodopayments"
    )
    assert run(code).splitlines()[-1] == (
        "ImportError: django_digitalstore.contrib.dodopayments – Dodo's SDK is not installed – "
        "write: pip install django-digitalstore[dodo]"
    )


@pytest.mark.parametrize("name", ["core", "payments", "payments.backends.sandbox"])
def test_the_suite_without_contrib_knows_no_sdk(name):
    code = (
        "import sys, os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; "
        f"django.setup(); import django_digitalstore.{name}; "
        "print([n for n in ('dodopayments', 'httpx', 'stripe') if n in sys.modules])"
    )
    assert run(code) == "[]\n"
