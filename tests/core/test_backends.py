"""Backends by alias: what is wrong in the setting is said with its place and its cure."""

from __future__ import annotations

import threading

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_digitalstore.core.backends import BackendHandler, BaseBackend, UnknownBackendAlias
from django_digitalstore.core.exceptions import InvalidBackend

SETTING = "DIGITALSTORE_POSTMEN"


class Postman(BaseBackend):
    known_options = frozenset({"BAG"})


class Cyclist(Postman):
    known_options = frozenset({"BELL"})
    required_options = frozenset({"BICYCLE"})

    def __init__(self, alias, options):
        super().__init__(alias, options)
        if self.options["BICYCLE"] == "broken":
            raise ImproperlyConfigured("BICYCLE is broken. Write 'new'.")

    def check(self):
        return [checks.Warning(f"{self.alias} rings", id="tests.W001")]


class Walker(Postman):
    pass


class NoPostman(BaseBackend):
    pass


POSTMAN = f"{__name__}.Postman"
CYCLIST = f"{__name__}.Cyclist"


def handler() -> BackendHandler[Postman]:
    return BackendHandler(SETTING, POSTMAN, check_id="tests.E001")


def postmen(value: object):
    return override_settings(**{SETTING: value})


def message_of(value: object, alias: str = "default") -> str:
    with postmen(value), pytest.raises(InvalidBackend) as caught:
        handler()[alias]
    return str(caught.value)


def test_an_alias_is_built_with_its_options_and_kept() -> None:
    with postmen({"default": {"BACKEND": CYCLIST, "OPTIONS": {"BICYCLE": "red", "BAG": 1}}}):
        postmen_ = handler()
        backend = postmen_["default"]
        assert type(backend).__name__ == "Cyclist"
        assert backend.alias == "default"
        assert backend.options == {"BICYCLE": "red", "BAG": 1}
        assert postmen_["default"] is backend


def test_aliases_are_listed_without_loading_a_backend() -> None:
    with postmen({"b": {"BACKEND": "no.such.Class"}, "a": {}}):
        assert list(handler()) == ["b", "a"]
        assert "a" in handler()
        assert "c" not in handler()
        assert len(handler()) == 2


def test_all_backends_come_in_the_settings_order() -> None:
    with postmen({"b": {"BACKEND": POSTMAN}, "a": {"BACKEND": POSTMAN}}):
        assert [backend.alias for backend in handler().all()] == ["b", "a"]


def test_a_new_setting_makes_new_backends() -> None:
    postmen_ = handler()
    with postmen({"default": {"BACKEND": POSTMAN, "OPTIONS": {"BAG": 1}}}):
        assert postmen_["default"].options == {"BAG": 1}
        with postmen({"default": {"BACKEND": POSTMAN, "OPTIONS": {"BAG": 2}}}):
            assert postmen_["default"].options == {"BAG": 2}
        assert postmen_["default"].options == {"BAG": 1}


def test_another_setting_of_the_suite_makes_new_backends_too() -> None:
    with postmen({"default": {"BACKEND": POSTMAN}}):
        postmen_ = handler()
        backend = postmen_["default"]
        with override_settings(USE_THOUSAND_SEPARATOR=True):
            assert postmen_["default"] is backend
        with override_settings(DIGITALSTORE_SITE_URL="https://shop.example.com"):
            assert postmen_["default"] is not backend


def test_nothing_is_read_before_the_first_use() -> None:
    BackendHandler("DIGITALSTORE_NO_SUCH_SETTING", "no.such.Base", check_id="tests.E001")


def test_threads_share_one_instance() -> None:
    with postmen({"default": {"BACKEND": POSTMAN}}):
        postmen_ = handler()
        found, barrier = [], threading.Barrier(8)

        def ask() -> None:
            barrier.wait()
            found.append(postmen_["default"])

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, found))) == 1


def test_a_base_may_be_given_as_a_class() -> None:
    with postmen({"default": {"BACKEND": POSTMAN}}):
        by_class: BackendHandler[Postman] = BackendHandler(SETTING, Postman, check_id="tests.E001")
        assert isinstance(by_class["default"], Postman)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            ["default"],
            (
                "DIGITALSTORE_POSTMEN must be a dict of aliases, not list. Write "
                "DIGITALSTORE_POSTMEN = "
                "{'default': {'BACKEND': 'dotted.path.Class', 'OPTIONS': {}}}."
            ),
        ),
        (
            {},
            "DIGITALSTORE_POSTMEN['default'] does not exist. There are no aliases: remove it.",
        ),
        (
            {"defualt": {"BACKEND": POSTMAN}},
            "DIGITALSTORE_POSTMEN['default'] does not exist. Did you mean 'defualt'?",
        ),
        (
            {"live": {}, "test": {}},
            "DIGITALSTORE_POSTMEN['default'] does not exist. The aliases are 'live', 'test'.",
        ),
        (
            {"default": POSTMAN},
            (
                "DIGITALSTORE_POSTMEN['default'] must be a dict, not str. "
                "Write {'BACKEND': 'dotted.path.Class', 'OPTIONS': {}}."
            ),
        ),
        (
            {"default": {"BACKND": POSTMAN}},
            "DIGITALSTORE_POSTMEN['default']: unknown key 'BACKND'. Did you mean 'BACKEND'?",
        ),
        (
            {"default": {}},
            (
                "DIGITALSTORE_POSTMEN['default'] has no BACKEND. "
                "Add 'BACKEND': 'dotted.path.Class' to it."
            ),
        ),
        (
            {"default": {"BACKEND": POSTMAN, "OPTIONS": []}},
            (
                "DIGITALSTORE_POSTMEN['default']: OPTIONS must be a dict, not list. "
                "Write 'OPTIONS': {}."
            ),
        ),
        (
            {"default": {"BACKEND": "no.such.Class"}},
            (
                "DIGITALSTORE_POSTMEN['default']: BACKEND 'no.such.Class' can't be imported: "
                "No module named 'no'. Write the dotted path of a class that exists."
            ),
        ),
        (
            {"default": {"BACKEND": f"{__name__}.NoPostman"}},
            (
                f"DIGITALSTORE_POSTMEN['default']: BACKEND '{__name__}.NoPostman' "
                f"is not a Postman. Derive it from {__name__}.Postman."
            ),
        ),
        (
            {"default": {"BACKEND": f"{__name__}.handler"}},
            (
                f"DIGITALSTORE_POSTMEN['default']: BACKEND '{__name__}.handler' is not a Postman. "
                f"Derive it from {__name__}.Postman."
            ),
        ),
        (
            {"default": {"BACKEND": POSTMAN, "OPTIONS": {"BAGS": 1}}},
            "DIGITALSTORE_POSTMEN['default']: unknown option 'BAGS'. Did you mean 'BAG'?",
        ),
        (
            {"default": {"BACKEND": POSTMAN, "OPTIONS": {"bag": 1}}},
            "DIGITALSTORE_POSTMEN['default']: unknown option 'bag'. Did you mean 'BAG'?",
        ),
        (
            {"default": {"BACKEND": POSTMAN, "OPTIONS": {"HORSE": 1}}},
            "DIGITALSTORE_POSTMEN['default']: unknown option 'HORSE'. The only option is 'BAG'.",
        ),
        (
            {"default": {"BACKEND": CYCLIST, "OPTIONS": {"HORSE": 1}}},
            (
                "DIGITALSTORE_POSTMEN['default']: unknown option 'HORSE'. "
                "The options are 'BAG', 'BELL', 'BICYCLE'."
            ),
        ),
        (
            {"default": {"BACKEND": CYCLIST}},
            (
                "DIGITALSTORE_POSTMEN['default']: Cyclist needs the option 'BICYCLE'. "
                "Add it to OPTIONS: {'BICYCLE': …}."
            ),
        ),
        (
            {"default": {"BACKEND": CYCLIST, "OPTIONS": {"BICYCLE": "broken"}}},
            "DIGITALSTORE_POSTMEN['default']: BICYCLE is broken. Write 'new'.",
        ),
    ],
)
def test_a_mistake_in_the_setting_is_named(value: object, message: str) -> None:
    assert message_of(value) == message


def test_an_unknown_alias_is_a_key_error_too() -> None:
    with postmen({"default": {"BACKEND": POSTMAN}}):
        with pytest.raises(KeyError) as caught:
            handler()["other"]
        assert isinstance(caught.value, UnknownBackendAlias)
        assert str(caught.value) == (
            "DIGITALSTORE_POSTMEN['other'] does not exist. The only alias is 'default'."
        )


def test_a_backend_without_options_says_that_there_are_none() -> None:
    with pytest.raises(InvalidBackend) as caught:
        NoPostman("default", {"BAG": 1})
    assert str(caught.value) == "unknown option 'BAG'. There are no options: remove it."


def test_the_check_loads_every_alias_and_asks_those_that_load() -> None:
    with postmen(
        {
            "broken": {"BACKEND": CYCLIST},
            "fine": {"BACKEND": CYCLIST, "OPTIONS": {"BICYCLE": "red"}},
            "quiet": {"BACKEND": POSTMAN},
        }
    ):
        assert handler().check() == [
            checks.Error(
                "DIGITALSTORE_POSTMEN['broken']: Cyclist needs the option 'BICYCLE'. "
                "Add it to OPTIONS: {'BICYCLE': …}.",
                id="tests.E001",
            ),
            checks.Warning("fine rings", id="tests.W001"),
        ]


def test_the_check_reports_a_setting_that_is_no_dict() -> None:
    with postmen(None):
        assert handler().check() == [
            checks.Error(
                "DIGITALSTORE_POSTMEN must be a dict of aliases, not NoneType. Write "
                "DIGITALSTORE_POSTMEN = "
                "{'default': {'BACKEND': 'dotted.path.Class', 'OPTIONS': {}}}.",
                id="tests.E001",
            )
        ]


def test_an_option_is_known_through_the_bases_and_none_of_them_is_changed() -> None:
    assert Walker("default", {"BAG": 1}).options == {"BAG": 1}
    with pytest.raises(InvalidBackend):
        Postman("default", {"BELL": 1})
