"""The fixtures for hosts, switched on by one line in a project that knows nothing of our tests."""

from __future__ import annotations

import ast
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from django.conf import settings

from django_digitalstore import pytest_plugin
from tests.projects.made import ROOT, run_python

#: Each of these tests starts pytest anew: once is enough, whatever host the tests run under.
pytestmark = pytest.mark.skipif(
    settings.ROOT_URLCONF != "tests.projects.full_store.urls",
    reason="said by the run under the full store",
)

SWITCHED_ON = 'pytest_plugins = ["django_digitalstore.pytest_plugin"]\n'

SELLING = """
from django_digitalstore.core.roles import seller_permission
from django_digitalstore.entitlements.testing import assert_access, assert_no_access

def test_people(make_user, make_customer, make_seller):
    assert make_user().is_active and make_customer().is_active
    assert make_seller().has_perm(seller_permission())

def test_what_is_for_sale(make_product, make_category):
    assert make_product("A book", categories=[make_category()]).is_for_sale

def test_files(make_product, make_release, sold_files, tmp_path):
    release = make_release(make_product(), {"book.pdf": b"words"})
    asset = release.assets.get()
    assert (sold_files / asset.file.name).read_bytes() == b"words"
    assert tmp_path in sold_files.parents

def test_owning(make_product, customer_who_owns):
    book, other = make_product(), make_product()
    customer = customer_who_owns(book)
    assert_access(customer, book)
    assert_no_access(customer, other)
"""

PAYING = """
from django_digitalstore.entitlements.testing import assert_access, assert_no_access

def test_a_paid_order(make_customer, make_product, paid_order):
    customer, book = make_customer(), make_product()
    assert paid_order(customer, book).status == "paid"
    assert_access(customer, book)

def test_a_refunded_order(make_customer, make_product, refunded_order):
    customer, book = make_customer(), make_product()
    assert refunded_order(customer, book).status == "refunded"
    assert_no_access(customer, book)

def test_a_sale(client, make_customer, make_product, place_order, deliver_webhooks):
    customer, book = make_customer(), make_product()
    pay_page = place_order(customer, book).checkout_url
    client.force_login(customer)
    client.post(pay_page, {"action": "pay"})
    assert_no_access(customer, book)
    assert [answer.status_code for answer in deliver_webhooks()] == [200]
    assert_access(customer, book)

def test_a_webhook_is_signed_and_really_posted(post_webhook):
    event = {"type": "weather.changed", "timestamp": "x", "data": {}}
    assert post_webhook(event).status_code == 200
    assert post_webhook(event, timestamp=1).status_code == 401
"""

HELPING = """
def test_support(
    make_product, customer_who_owns, offer_support, open_request, give_allowance, paid_support
):
    book = make_product()
    customer = customer_who_owns(book)
    offer_support(book, included_requests=1, pack_price=900, pack_size=3)
    assert open_request(customer, book).allowance is None
    allowance = give_allowance(customer, book)
    assert open_request(customer, book).allowance == allowance
    assert paid_support(customer, book).status == "paid"
"""


def run(folder: Path, project: str, test: str, *, conftest: str = SWITCHED_ON) -> str:
    """Run ``test`` by pytest in ``folder`` under a host project; return what it printed."""
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done: CompletedProcess[str] = run_python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--ds=tests.projects.{project}.settings",
        "test_it.py",
        cwd=folder,
        path=(ROOT,),
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("project", ["full_store", "custom_user", "existing_model"])
def test_a_host_sets_its_scenes_by_fixtures(tmp_path, project):
    assert "8 passed" in run(tmp_path, project, SELLING + PAYING)


def test_a_host_with_support_sets_its_scenes_too(tmp_path):
    assert "1 passed" in run(tmp_path, "full_store", HELPING)


def test_a_host_without_payments_has_the_fixtures_of_the_rest(tmp_path):
    test = SELLING.replace("make_user, make_customer", "make_customer").replace(
        "make_user().is_active and ", ""
    )
    assert "4 passed" in run(tmp_path, "entitlements_only", test)


@pytest.mark.parametrize(
    ("feature", "fixture"),
    [("payments", "paid_order"), ("accounts", "make_user"), ("support", "open_request")],
)
def test_a_fixture_of_a_feature_that_is_not_there_says_what_to_install(tmp_path, feature, fixture):
    printed = run(tmp_path, "entitlements_only", f"def test_it({fixture}): pass\n")
    assert (
        f"The fixture '{fixture}' – django_digitalstore.{feature} is not installed – add "
        f"'django_digitalstore.{feature}' to INSTALLED_APPS, or leave the test out."
    ) in printed.splitlines()
    assert "1 error" in printed


def test_nothing_is_switched_on_by_itself(tmp_path):
    printed = run(tmp_path, "full_store", "def test_it(paid_order): pass\n", conftest="")
    assert "fixture 'paid_order' not found" in printed


def test_without_pytest_django_it_says_what_to_install(tmp_path):
    (tmp_path / "conftest.py").write_text(SWITCHED_ON)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = run_python("-m", "pytest", "-p", "no:django", "-q", cwd=tmp_path, path=(ROOT,))
    assert (
        "django_digitalstore.pytest_plugin – pytest-django is not there, whose fixtures `db` and "
        "`client` it asks for – install pytest-django."
    ) in done.stdout + done.stderr


def test_a_hosts_fixture_of_the_same_name_comes_first_and_may_ask_for_ours(tmp_path):
    conftest = SWITCHED_ON + (
        "import pytest\n"
        "@pytest.fixture\n"
        "def make_product(make_product):\n"
        "    return lambda *a, **k: make_product(*a, price=5, **k)\n"
    )
    test = "def test_it(make_product): assert make_product().price == 5\n"
    assert "1 passed" in run(tmp_path, "full_store", test, conftest=conftest)


def test_each_fixture_is_named_to_hosts():
    module = ast.parse(Path(pytest_plugin.__file__).read_text("utf-8"))
    fixtures = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef)
        and "pytest.fixture" in map(ast.unparse, node.decorator_list)
    ]
    assert sorted(node.name for node in fixtures) == pytest_plugin.__all__
    assert all(map(ast.get_docstring, fixtures))
