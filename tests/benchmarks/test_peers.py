"""Other packages beside the suite: where `./dev bench --peers` has installed them."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from urllib.request import urlopen

import pytest
from django.conf import settings

from benchmarks.__main__ import OSCAR_VENV, PEERS_VENV
from benchmarks.runner import Job, Limit, Measured, Way, table
from tests.projects.made import ROOT, run_python

pytestmark = pytest.mark.skipif(
    settings.ROOT_URLCONF != "tests.projects.full_store.urls",
    reason="said by the run under the full store",
)


def test_a_limit_beside_another_way_compares_the_ratios_to_their_floors() -> None:
    # Ours ran when the machine was slow: so did the floor that it was measured beside.
    job = Job(
        "job",
        "A job",
        [Way("floor", list), Way("theirs", list)],
        [Limit("ours", ratio=1, of="theirs"), Limit("theirs", ratio=0.5, of="ours")],
    )

    printed = table(
        job,
        [
            Measured("floor", 0.001, 0.001, 1, 1),
            Measured("theirs", 0.004, 0.002, 4, 1),
            Measured("ours", 0.006, 0.003, 2, 1),
        ],
    )

    assert "| ours | 6.000 | 3.000 | 2.00 | 1 | ok: ≤ 1x of theirs (0.50) |" in printed
    assert "| theirs | 4.000 | 2.000 | 4.00 | 1 | MISSED: ≤ 0.5x of ours (2.00) |" in printed


def test_what_dj_stripe_asks_stripe_for_is_answered_on_loopback() -> None:
    from benchmarks import stripe_api

    address = stripe_api.serve()

    def asked(path: str) -> dict[str, object]:
        with urlopen(f"{address}/v1/{path}", timeout=5) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    assert asked("account")["id"] == "acct_benchmark"
    session = asked("checkout/sessions/cs_1?expand[0]=line_items")
    assert (session["id"], session["payment_status"]) == ("cs_1", "paid")
    payment = asked(f"payment_intents/{session['payment_intent']}")
    assert (payment["id"], payment["status"]) == ("pi_cs_1", "succeeded")
    method = asked(f"payment_methods/{payment['payment_method']}")
    assert (method["id"], method["type"]) == ("pm_pi_cs_1", "card")


@pytest.mark.skipif(find_spec("oscar") is not None, reason="django-oscar is installed here")
def test_where_django_oscar_did_not_install_a_line_says_so() -> None:
    done = run_python("-m", "benchmarks.oscar", "1", cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "django-oscar does not install here; its jobs are left out.\n"


@pytest.mark.slow
@pytest.mark.skipif(
    not (PEERS_VENV.exists() and OSCAR_VENV.exists()),
    reason="says something beside the peers only, which `./dev bench --peers` installs",
)
def test_dj_stripe_and_django_oscar_are_measured_beside_the_suite() -> None:
    done = run_python(
        *("-m", "benchmarks", "--peers", "--sqlite", "--rows", "200", "--rounds", "1"),
        *("webhook", "product-list", "ownership", "order"),
        cwd=ROOT,
        python=PEERS_VENV / "bin" / "python",
    )

    assert done.returncode == 0, done.stderr
    for event in ("checkout.session.completed", "payment_intent.succeeded"):
        assert re.search(rf"^\| dj-stripe, {event} \|", done.stdout, re.MULTILINE)
    jobs = re.findall(r"^### django-oscar: .+ \(`(.+)`\)$", done.stdout, re.MULTILINE)
    assert jobs == [
        "oscar-product-list-10",
        "oscar-product-list-100",
        "oscar-ownership",
        "oscar-order",
    ]
    # The suite's own costs stand in those tables that have a counterpart.
    assert len(re.findall(r"^\| django-digitalstore, .* of django-oscar", done.stdout, re.M)) == 3
