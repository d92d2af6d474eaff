"""The benchmarks run: every job, on a tiny shop. What they say of times is no test's business."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from tests.projects.made import ROOT, run_python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        settings.ROOT_URLCONF != "tests.projects.full_store.urls",
        reason="said by the run under the full store",
    ),
]


def test_every_job_is_measured_and_says_what_it_costs() -> None:
    done = run_python("-m", "benchmarks", "--sqlite", "--rows", "200", "--rounds", "1", cwd=ROOT)

    assert done.returncode == 0, done.stderr
    jobs = dict(re.findall(r"^### (.+) \(`(.+)`\)$", done.stdout, re.MULTILINE))
    assert list(jobs.values()) == [
        "ownership",
        "owned-page",
        "product-list",
        "library",
        "order",
        "webhook",
        "webhook-duplicate",
        "webhook-forged",
        "download",
        "presigned",
        "short-link",
        "construction-off",
        "construction-on",
        "analytics-seller",
        "analytics-site",
        "memory",
    ]
    # Statements do not depend on the machine.
    assert re.search(r"^\| has_access \|.* \| 1 \|.*ok: ≤ 1 SQL", done.stdout, re.MULTILINE)
    assert re.search(r"^\| forged \|.* \| 0 \|.*ok: ≤ 0 SQL", done.stdout, re.MULTILINE)
    assert "NOT the same" not in done.stdout
    # What is not installed is named, and does not stop the rest.
    assert "dj-stripe is not installed here: `./dev bench --peers`." in done.stdout


def test_the_seeded_shop_breaks_no_invariant() -> None:
    look = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'benchmarks.settings'\n"
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "from benchmarks.seed import seed\n"
        "from django_digitalstore.core.invariants import violations\n"
        "print(seed(200, lambda text: None).rows, list(violations()))\n"
    )
    done = run_python("-c", look, cwd=ROOT, DATABASE_URL="sqlite://:memory:")

    assert done.returncode == 0, done.stderr
    assert done.stdout == "200 []\n"
