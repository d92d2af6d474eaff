"""The verifier of Standard Webhooks: as the library where it is right, stricter where it is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.payments.exceptions import WebhookInvalid, WebhookNotVerified
from django_digitalstore.payments.standard_webhooks import (
    VerifiedHeaders,
    decode_secret,
    sign,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers_for(
    *,
    message_id: str = MESSAGE_ID,
    timestamp: object = TIMESTAMP,
    signature: str | None = None,
    body: bytes = BODY,
    secret: str = SECRET,
) -> dict[str, str]:
    """Return headers whose signature is right for exactly these texts, well-formed or not."""
    if signature is None:
        signature = sign_text(secret, f"{message_id}.{timestamp}.".encode() + body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


def sign_text(secret: str, text: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def refusal(
    headers: dict[str, str], body: bytes = BODY, *, now: int = TIMESTAMP, secrets=(SECRET,)
) -> str:
    with pytest.raises(WebhookNotVerified) as caught:
        verify(secrets, headers, body, now=now)
    return str(caught.value)


NOT_SECONDS = "webhook-timestamp is not a whole number of seconds. Discard the message."
NOT_AN_ID = "webhook-id is not 1 to 255 letters, digits, '_' and '-'. Discard the message."
NOT_NOW = (
    "webhook-timestamp is more than 300 seconds from now. Discard the message; if all are, "
    "set the server's clock."
)
NOT_RIGHT = (
    "No signature in webhook-signature is right. Discard the message; if all are wrong, "
    "compare the webhook secret with the provider's."
)
NOT_A_LIST = "webhook-signature is not a list of signatures like 'v1,…'. Discard the message."


# --- the published vector and the library ---------------------------------------------------------


def test_the_published_vector_is_signed_and_verified() -> None:
    assert sign(SECRET, MESSAGE_ID, TIMESTAMP, BODY) == SIGNATURE
    assert verify([SECRET], headers_for(signature=SIGNATURE), BODY, now=TIMESTAMP) == (
        VerifiedHeaders(message_id=MESSAGE_ID, timestamp=TIMESTAMP)
    )


def test_the_published_vector_is_the_librarys() -> None:
    moment = datetime.fromtimestamp(TIMESTAMP, tz=UTC)
    assert Webhook(SECRET).sign(MESSAGE_ID, moment, BODY.decode()) == SIGNATURE


secrets_of_any_length = st.binary(min_size=24, max_size=64).map(
    lambda key: "whsec_" + base64.b64encode(key).decode()
)
message_ids = st.text(
    alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
    min_size=1,
    max_size=255,
)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"])).map(str.encode)


@given(secret=secrets_of_any_length, message_id=message_ids, body=texts)
def test_what_we_sign_the_library_verifies(secret: str, message_id: str, body: bytes) -> None:
    now = int(time.time())
    headers = headers_for(
        message_id=message_id, timestamp=now, signature=sign(secret, message_id, now, body)
    )
    Webhook(secret).verify(body, headers, json_parse=False)


@given(secret=secrets_of_any_length, message_id=message_ids, body=texts)
def test_what_the_library_signs_we_verify(secret: str, message_id: str, body: bytes) -> None:
    moment = datetime.fromtimestamp(TIMESTAMP, tz=UTC)
    headers = headers_for(
        message_id=message_id,
        signature=Webhook(secret).sign(message_id, moment, body.decode()),
    )
    verified = verify([secret], headers, body, now=TIMESTAMP)
    assert verified == VerifiedHeaders(message_id=message_id, timestamp=TIMESTAMP)


@given(
    secret=secrets_of_any_length,
    message_id=st.text(max_size=20),
    timestamp=st.text(max_size=14) | st.integers().map(str),
    signature=st.text(max_size=60) | st.just(SIGNATURE),
    body=st.binary(max_size=40),
)
def test_whatever_is_sent_raises_nothing_but_not_verified(
    secret: str, message_id: str, timestamp: str, signature: str, body: bytes
) -> None:
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }
    with pytest.raises(WebhookNotVerified):
        verify([secret], headers, body)


@given(data=st.data())
def test_changing_any_byte_of_what_is_signed_fails(data: st.DataObject) -> None:
    signed = {"id": MESSAGE_ID.encode(), "timestamp": str(TIMESTAMP).encode(), "body": BODY}
    part = data.draw(st.sampled_from(sorted(signed)))
    position = data.draw(st.integers(0, len(signed[part]) - 1))
    # A digit stays a digit and a letter a letter, so that only the signature can tell.
    changed = bytearray(signed[part])
    changed[position] = ord("7") if changed[position] != ord("7") else ord("8")
    signed[part] = bytes(changed)
    headers = headers_for(
        message_id=signed["id"].decode(),
        timestamp=signed["timestamp"].decode(),
        signature=SIGNATURE,
    )
    now = int(signed["timestamp"])
    assert refusal(headers, signed["body"], now=now) == NOT_RIGHT


# --- strictness -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "timestamp",
    [
        "1.614265330e9",
        "1_614_265_330",
        "1614265330 ",
        " 1614265330",
        "1614265330\n",
        "1614265330.9",
        ".9",
        "+1614265330",
        "-1614265330",
        "0x60374972",
        "1614265330000",
        "",
        "nan",
        "inf",
        "١٦١٤٢٦٥٣٣٠",
    ],
)
def test_a_timestamp_is_whole_seconds_in_plain_digits_though_rightly_signed(
    timestamp: str,
) -> None:
    assert refusal(headers_for(timestamp=timestamp)) == NOT_SECONDS


@pytest.mark.parametrize("offset", [-301, 301, -(10**6), 10**6])
def test_an_old_or_a_future_message_is_refused(offset: int) -> None:
    assert refusal(headers_for(), now=TIMESTAMP + offset) == NOT_NOW


@pytest.mark.parametrize("offset", [-300, 0, 300])
def test_five_minutes_either_way_are_allowed(offset: int) -> None:
    assert verify([SECRET], headers_for(), BODY, now=TIMESTAMP + offset)


def test_without_now_the_clock_is_asked() -> None:
    assert refusal(headers_for(), now=None) == NOT_NOW  # type: ignore[arg-type]
    now = int(time.time())
    assert verify([SECRET], headers_for(timestamp=now), BODY).timestamp == now


@pytest.mark.parametrize(
    "message_id",
    ["", "msg.1", "msg 1", "msg\n", "msg_1\n", "m" * 256, "mßg", "msg/1", "msg\x00"],
)
def test_a_message_id_is_plain_and_short_though_rightly_signed(message_id: str) -> None:
    assert refusal(headers_for(message_id=message_id)) == NOT_AN_ID


def test_a_full_stop_cannot_be_moved_between_the_id_and_the_rest() -> None:
    # "a.1614265330" + "." + ts is the same signed text as "a" + "." + "1614265330.<ts>…" would be.
    signature = sign_text(SECRET, b"a.1614265330.1614265330." + BODY)
    assert refusal(headers_for(message_id="a.1614265330", signature=signature)) == NOT_AN_ID


def test_eleven_signatures_are_too_many_and_ten_are_not() -> None:
    wrong = "v1," + "A" * 43 + "="
    ten = " ".join([wrong] * 9 + [SIGNATURE])
    assert verify([SECRET], headers_for(signature=ten), BODY, now=TIMESTAMP)
    eleven = " ".join([wrong] * 10 + [SIGNATURE])
    assert refusal(headers_for(signature=eleven)) == (
        "webhook-signature holds more than 10 signatures. Discard the message."
    )
    first_of_eleven = " ".join([SIGNATURE] + [wrong] * 10)
    assert "more than 10" in refusal(headers_for(signature=first_of_eleven))


@pytest.mark.parametrize("version", ["v1a", "v2", "V1", "v0", "v11", "1"])
def test_another_version_proves_nothing(version: str) -> None:
    text = SIGNATURE.removeprefix("v1,")
    assert refusal(headers_for(signature=f"{version},{text}")) == NOT_RIGHT


def test_another_version_beside_a_right_signature_does_not_disturb() -> None:
    signatures = f"v1a,{'B' * 86}== {SIGNATURE}"
    assert verify([SECRET], headers_for(signature=signatures), BODY, now=TIMESTAMP)


def test_another_spelling_of_the_same_base64_is_refused() -> None:
    # The last letter carries two bits that no decoder looks at.
    twin = SIGNATURE.replace("1OE=", "1OF=")
    assert base64.b64decode(twin[3:]) == base64.b64decode(SIGNATURE[3:])
    assert refusal(headers_for(signature=twin)) == NOT_RIGHT
    for spelling in (SIGNATURE + "=", SIGNATURE + "AAAA", SIGNATURE.rstrip("=")):
        assert refusal(headers_for(signature=spelling)) == NOT_RIGHT


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "v1",
        "v1,",
        ",",
        SIGNATURE + " ",
        " " + SIGNATURE,
        SIGNATURE + "\n",
        SIGNATURE + "\t" + SIGNATURE,
        SIGNATURE.replace("g0hM", "g0 hM"),
        "v1,ſ" + "A" * 42 + "=",
        "v1,\udcff" + "A" * 42 + "=",
        "é," + "A" * 43 + "=",
    ],
)
def test_what_is_not_a_list_of_signatures_is_refused(signature: str) -> None:
    assert refusal(headers_for(signature=signature)) == NOT_A_LIST


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed_and_may_have_any_case(name: str) -> None:
    headers = headers_for()
    value = headers.pop(name)
    assert refusal(headers) == f"The header {name} is missing. Discard the message."
    assert verify([SECRET], {**headers, name.title(): value}, BODY, now=TIMESTAMP)
    twice = {**headers, name: value, name.upper(): value}
    assert refusal(twice) == f"The header {name} is ambiguous. Discard the message."
    no_text = {**headers, name: None}
    assert refusal(no_text) == f"The header {name} is ambiguous. Discard the message."  # type: ignore[arg-type]


def test_a_body_that_was_decoded_is_refused() -> None:
    assert refusal(headers_for(), BODY.decode()) == (  # type: ignore[arg-type]
        "The body is not bytes. Pass the raw body of the request."
    )


def test_another_spelling_of_the_same_json_is_refused() -> None:
    assert refusal(headers_for(), json.dumps(json.loads(BODY), indent=1).encode()) == NOT_RIGHT


def test_a_body_of_any_bytes_is_verified() -> None:
    body = b"\xff\x00\xfe not text"
    headers = headers_for(signature=sign(SECRET, MESSAGE_ID, TIMESTAMP, body))
    assert verify([SECRET], headers, body, now=TIMESTAMP)


# --- secrets --------------------------------------------------------------------------------------


def test_during_a_rotation_either_secret_verifies() -> None:
    for signer in (SECRET, OTHER_SECRET):
        headers = headers_for(secret=signer)
        assert verify([SECRET, OTHER_SECRET], headers, BODY, now=TIMESTAMP)
        assert verify([OTHER_SECRET, SECRET], headers, BODY, now=TIMESTAMP)
    assert refusal(headers_for(secret=OTHER_SECRET), secrets=[SECRET]) == NOT_RIGHT


def test_a_provider_that_rotates_sends_two_signatures() -> None:
    both = " ".join(
        headers_for(secret=each)["webhook-signature"] for each in (OTHER_SECRET, SECRET)
    )
    assert verify([SECRET], headers_for(signature=both), BODY, now=TIMESTAMP)


EMPTY = (
    "The webhook secret is empty, so that anybody could forge a message. "
    "Write the one that the provider shows, 'whsec_…'."
)
NO_PREFIX = (
    "The webhook secret does not begin with 'whsec_'. "
    "Write it whole and without spaces, as the provider shows it."
)
NO_BASE64 = (
    "The webhook secret is not base64 after 'whsec_'. "
    "Write it whole and without spaces, as the provider shows it."
)


def too_short(length: int) -> str:
    return (
        f"The webhook secret holds {length} bytes, and at least 24 are needed. "
        "Write it whole, or have the provider make a new one."
    )


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("", EMPTY),
        (None, EMPTY),
        (b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", EMPTY),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NO_PREFIX),
        (" " + SECRET, NO_PREFIX),
        (SECRET + "\n", NO_BASE64),
        (SECRET + "=", NO_BASE64),
        ("whsec_not base64!", NO_BASE64),
        ("whsec_ſecretſecretſecretſecretſecret", NO_BASE64),
        ("whsec_", too_short(0)),
        ("whsec_c2hvcnQh", too_short(6)),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), too_short(23)),
    ],
)
def test_a_bad_secret_is_the_sites_mistake_and_verifies_nothing(secret: str, message: str) -> None:
    for use in (
        lambda: decode_secret(secret),
        lambda: sign(secret, MESSAGE_ID, TIMESTAMP, BODY),
        lambda: verify([secret], headers_for(), BODY, now=TIMESTAMP),
        lambda: verify([SECRET, secret], headers_for(), BODY, now=TIMESTAMP),
    ):
        with pytest.raises(ImproperlyConfigured) as caught:
            use()
        assert str(caught.value) == message
        assert not secret or not isinstance(secret, str) or secret not in str(caught.value)


def test_the_library_would_take_the_short_secret() -> None:
    now = datetime.now(tz=UTC)
    headers = headers_for(
        timestamp=int(now.timestamp()),
        signature=Webhook("whsec_c2hvcnQh").sign(MESSAGE_ID, now, BODY.decode()),
    )
    assert Webhook("whsec_c2hvcnQh").verify(BODY, headers)


@pytest.mark.parametrize("secrets", [[], (), SECRET])
def test_no_list_of_secrets_is_the_sites_mistake(secrets: object) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        verify(secrets, headers_for(), BODY, now=TIMESTAMP)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "There is no webhook secret to verify with. Pass a list: ['whsec_…']."
    )


def test_padding_may_be_left_out_as_the_library_allows() -> None:
    key = b"x" * 25
    padded = "whsec_" + base64.b64encode(key).decode()
    assert padded.endswith("==")
    assert decode_secret(padded) == decode_secret(padded.rstrip("=")) == key
    moment = datetime.fromtimestamp(TIMESTAMP, tz=UTC)
    assert sign(padded.rstrip("="), MESSAGE_ID, TIMESTAMP, BODY) == Webhook(
        padded.rstrip("=")
    ).sign(MESSAGE_ID, moment, BODY.decode())


def test_24_bytes_are_enough() -> None:
    assert decode_secret("whsec_" + base64.b64encode(b"x" * 24).decode()) == b"x" * 24


# --- signing and the errors -----------------------------------------------------------------------


def test_what_no_verifier_takes_is_not_signed() -> None:
    with pytest.raises(ValueError) as caught:
        sign(SECRET, "msg.1", TIMESTAMP, BODY)
    assert str(caught.value) == (
        "'msg.1' is not a message id. Write 1 to 255 letters, digits, '_' and '-'."
    )
    with pytest.raises(ValueError) as caught:
        sign(SECRET, MESSAGE_ID, 1.5, BODY)  # type: ignore[arg-type]
    assert str(caught.value) == "1.5 is not a timestamp. Write whole seconds since 1970."


def test_the_library_refuses_a_forgery_too() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers_for(timestamp=int(time.time()), secret=OTHER_SECRET))


def test_not_verified_is_caught_by_both_families() -> None:
    assert issubclass(WebhookNotVerified, DigitalStoreError)
    assert issubclass(WebhookNotVerified, SuspiciousOperation)


def test_invalid_names_the_path_of_the_field() -> None:
    error = WebhookInvalid("data.total", "must be an integer, not '12'. Ask the provider.")
    assert error.path == "data.total"
    assert str(error) == "data.total: must be an integer, not '12'. Ask the provider."
