"""Only a token that we signed, for us, and that is valid now, makes a caller; everything else is 401."""

import base64
import json
import string
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from shared.api_keys import PREFIX, ApiKey
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.problems import Invalid, Unauthenticated
from shared.security import API_KEY_SECONDS_MAX, REMEMBERED_MAX, Authenticator, KeyStore, issue_token
from shared.settings import SettingInvalid, Settings
from shared.tokens import verified_claims
from tests.door import nothing_ended

START = datetime(2020, 9, 14, 3, 0, tzinfo=UTC)
OFFICER = Caller("officer-7", Role.REGENCY_OFFICER, ("19.71",))
Claims = dict[str, object]


class SetClock(Clock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment


class ApiKeys:
    """A place where keys are looked up, which counts how often it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, ApiKey] = {}
        self.asked = 0

    async def find(self, key_id: str) -> ApiKey | None:
        self.asked += 1
        return self.known.get(key_id)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def api_keys() -> ApiKeys:
    return ApiKeys()


@pytest.fixture
async def door(keys: KeyStore, api_keys: ApiKeys, clock: SetClock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(Settings.from_env({}), keys, api_keys.find, nothing_ended, clock=clock)
    yield authenticator
    await authenticator.close()


@pytest.fixture
def token(keys: KeyStore, clock: SetClock) -> str:
    return issue_token(keys, OFFICER.role, OFFICER.regions, OFFICER.subject, 12, clock=clock)


def good_claims() -> Claims:
    seconds = int(START.timestamp())
    return {
        "iss": "serumpun",
        "aud": "serumpun",
        "sub": "officer-7",
        "iat": seconds,
        "exp": seconds + 3600,
        "role": "regency_officer",
        "regions": ["19.71"],
    }


def signed(claims: object, key: OKPKey, header: Claims | None = None) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    return jws.serialize_compact(header or {"alg": "Ed25519"}, payload, key, registry=registry)


def segment(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


async def refusal_of(door: Authenticator, authorization: str | None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        await door.authenticate(authorization)
    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")
    return caught.value


async def test_a_token_of_ours_makes_the_caller_that_it_was_issued_for(door: Authenticator, token: str) -> None:
    assert await door.authenticate(f"Bearer {token}") == OFFICER
    assert await door.authenticate(f"bearer {token}") == OFFICER


async def test_claims_signed_by_our_key_are_the_control_of_all_that_follows(
    door: Authenticator, keys: KeyStore
) -> None:
    assert await door.authenticate(f"Bearer {signed(good_claims(), keys.signing)}") == OFFICER


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PUBLIC])
async def test_every_role_gets_a_token_that_works(
    door: Authenticator, keys: KeyStore, clock: SetClock, role: Role
) -> None:
    regions = {Role.OWNER: (), Role.REGENCY_OFFICER: ("19.01", "19.71")}.get(role, ("19",))
    caller = await door.authenticate(f"Bearer {issue_token(keys, role, regions, 'x', 1, clock=clock)}")
    assert caller == Caller("x", role, regions)


@pytest.mark.parametrize(
    ("role", "regions", "subject"),
    [(Role.REGENCY_OFFICER, (), "x"), (Role.OWNER, ("19",), "x"), (Role.AUDITOR, ("19",), "")],
)
def test_no_token_is_issued_that_would_be_refused(
    keys: KeyStore, role: Role, regions: tuple[str, ...], subject: str
) -> None:
    with pytest.raises(Invalid):
        issue_token(keys, role, regions, subject, 1)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "token",
        "Bearer garbage",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer  two-spaces",
        "Bearer sêrumpun",
        "Bearer \udc80",
        "Bearer a\x00b",
        "Bearer " + "a" * 100_000,
        f"Bearer {PREFIX}_",
        f"Bearer {PREFIX}_0123456789abcdef",
        f"Bearer {PREFIX}_0123456789abcdef_",
        f"Bearer {PREFIX}_0123456789abcdef_{'A' * 43}",
    ],
)
async def test_what_is_no_token_is_refused(door: Authenticator, authorization: str | None) -> None:
    await refusal_of(door, authorization)


async def test_a_caller_without_a_token_is_told_how_and_one_with_a_bad_token_that_it_is_bad(
    door: Authenticator,
) -> None:
    assert (await refusal_of(door, None)).headers["WWW-Authenticate"] == "Bearer"
    assert (await refusal_of(door, "Bearer x.y.z")).headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
async def test_a_token_without_a_signature_is_refused(door: Authenticator, name: str) -> None:
    unsigned = f"{segment({'alg': name})}.{segment(good_claims())}"
    await refusal_of(door, f"Bearer {unsigned}.")
    await refusal_of(door, f"Bearer {unsigned}")
    await refusal_of(door, f"Bearer {unsigned}.{segment(b'x' * 64)}")


@pytest.mark.parametrize("form", ["jwk", "raw", "pem"])
async def test_a_token_signed_with_our_public_key_as_if_it_were_a_secret_is_refused(
    door: Authenticator, keys: KeyStore, form: str
) -> None:
    native = keys.verifying.public_key
    secret = {
        "jwk": json.dumps(keys.verifying.as_dict(private=False)).encode(),
        "raw": native.public_bytes(Encoding.Raw, PublicFormat.Raw),
        # The library refuses to sign with a PEM, an attacker's would not: the line ends are enough to hide it.
        "pem": native.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).replace(b"-----", b""),
    }[form]
    header = {"alg": "HS256", "kid": keys.signing.kid}
    forged = jws.serialize_compact(
        header, json.dumps(good_claims()), OctKey.import_key({"kty": "oct", "k": segment(secret)}), ["HS256"]
    )
    await refusal_of(door, f"Bearer {forged}")


async def test_a_key_carried_in_the_token_itself_proves_nothing(door: Authenticator, keys: KeyStore) -> None:
    stranger = OKPKey.generate_key("Ed25519")
    header: Claims = {"alg": "Ed25519", "kid": keys.signing.kid, "jwk": stranger.as_dict(private=False)}
    await refusal_of(door, f"Bearer {signed(good_claims(), stranger, header)}")


async def test_a_token_of_another_installation_is_refused(door: Authenticator, tmp_path: Path, clock: SetClock) -> None:
    other = issue_token(KeyStore(tmp_path), OFFICER.role, OFFICER.regions, OFFICER.subject, 1, clock=clock)
    await refusal_of(door, f"Bearer {other}")


def dropped(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def changed(**values: object) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, **values}


NOW = int(START.timestamp())


@pytest.mark.parametrize(
    "change",
    [
        dropped("iss"),
        changed(iss="https://other.example"),
        changed(iss=["serumpun"]),
        changed(iss=""),
        dropped("aud"),
        changed(aud="another"),
        changed(aud=["another"]),
        changed(aud=[]),
        changed(aud=None),
        changed(aud={"serumpun": 1}),
        dropped("exp"),
        changed(exp=NOW),
        changed(exp=NOW - 1),
        changed(exp=str(NOW + 60)),
        changed(exp=None),
        changed(exp=True),
        changed(nbf=NOW + 3600),
        changed(iat=NOW + 3600),
        dropped("sub"),
        changed(sub=""),
        changed(sub=7),
        changed(sub="a\x00b"),
        changed(sub="a" * 1000),
        dropped("role"),
        changed(role="governor"),
        changed(role=""),
        changed(role=None),
        changed(role=["regency_officer", "operator"]),
        changed(role={"regency_officer": 1}),
        dropped("regions"),
        changed(regions=[]),
        changed(regions=["19"]),
        changed(regions=["everywhere"]),
        changed(regions=[19]),
        changed(regions=[["19.71"]]),
        changed(role="owner"),
    ],
)
async def test_a_claim_that_is_missing_wrong_or_of_another_type_is_refused(
    door: Authenticator, keys: KeyStore, change: Callable[[Claims], Claims]
) -> None:
    await refusal_of(door, f"Bearer {signed(change(good_claims()), keys.signing)}")


@pytest.mark.parametrize("expiry", ["NaN", "Infinity", "-Infinity", "1e999", "true", "[]"])
async def test_an_expiry_that_is_no_number_never_means_for_ever(
    door: Authenticator, keys: KeyStore, expiry: str
) -> None:
    payload = json.dumps(good_claims()).replace(str(NOW + 3600), expiry).encode()
    await refusal_of(door, f"Bearer {signed(payload, keys.signing)}")


async def test_an_expiry_far_beyond_any_calendar_is_only_a_long_time(door: Authenticator, keys: KeyStore) -> None:
    claims = {**good_claims(), "exp": 10**300}
    assert await door.authenticate(f"Bearer {signed(claims, keys.signing)}") == OFFICER


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b'"text"', b"7", b"{", b"\xff\xfe", b"[" * 5_000])
async def test_a_payload_that_is_no_object_is_refused(door: Authenticator, keys: KeyStore, payload: bytes) -> None:
    await refusal_of(door, f"Bearer {signed(payload, keys.signing)}")


@pytest.mark.parametrize(
    "header",
    [[], ["alg"], "alg", 7, None, {}, {"alg": None}, {"alg": ["Ed25519"]}, {"alg": "Ed25519", "kid": {}}],
)
async def test_a_header_that_is_no_header_is_refused(door: Authenticator, header: object) -> None:
    await refusal_of(door, f"Bearer {segment(header)}.{segment(good_claims())}.{segment(b'x' * 64)}")


async def test_a_deep_nest_of_brackets_is_refused_and_does_not_bring_us_down(door: Authenticator) -> None:
    deep = b'{"iss":"serumpun","x":' + b"[" * 5_000 + b"]" * 500 + b"}"
    await refusal_of(door, f"Bearer {segment({'alg': 'Ed25519'})}.{segment(deep)}.x")
    await refusal_of(door, f"Bearer {segment(b'[' * 5_000)}.{segment(good_claims())}.x")


@pytest.mark.parametrize("encoded", [True, False])
async def test_an_extension_marked_critical_is_refused(door: Authenticator, keys: KeyStore, *, encoded: bool) -> None:
    plain = f"{segment({'alg': 'Ed25519', 'crit': ['b64'], 'b64': encoded})}.{segment(good_claims())}"
    signature = segment(keys.signing.private_key.sign(plain.encode()))  # type: ignore[union-attr]
    await refusal_of(door, f"Bearer {plain}.{signature}")


async def test_a_token_as_long_as_no_token_is_is_refused_although_it_is_signed(
    door: Authenticator, keys: KeyStore
) -> None:
    assert await door.authenticate(f"Bearer {signed({**good_claims(), 'x': 'x' * 4_000}, keys.signing)}") == OFFICER
    await refusal_of(door, f"Bearer {signed({**good_claims(), 'x': 'x' * 8_000}, keys.signing)}")


def test_claims_are_verified_for_their_issuer_whoever_asked_for_them(keys: KeyStore, token: str) -> None:
    def claims_for(issuer: str) -> Claims:
        return verified_claims(
            token, keys.verifying, algorithms=["Ed25519"], issuer=issuer, audience="serumpun", now=START
        )

    assert claims_for("serumpun")["sub"] == OFFICER.subject
    with pytest.raises(Unauthenticated):
        claims_for("https://login.example")


@given(position=st.integers(0, 10_000), letter=st.sampled_from(string.printable))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
async def test_a_token_changed_in_one_place_is_refused_and_nothing_else_happens(
    door: Authenticator, token: str, position: int, letter: str
) -> None:
    position %= len(token)
    forged = token[:position] + letter + token[position + 1 :]
    if forged != token:
        await refusal_of(door, f"Bearer {forged}")


async def test_a_token_that_was_accepted_is_refused_from_the_second_it_expires(
    door: Authenticator, token: str, clock: SetClock
) -> None:
    for hours in (0, 1, 11.99):
        clock.moment = START + timedelta(hours=hours)
        assert await door.authenticate(f"Bearer {token}") == OFFICER
    clock.moment = START + timedelta(hours=12) - timedelta(milliseconds=1)
    assert await door.authenticate(f"Bearer {token}") == OFFICER
    clock.moment = START + timedelta(hours=12)
    assert "expired" in (await refusal_of(door, f"Bearer {token}")).detail


async def test_a_token_shown_for_the_first_time_after_its_end_is_refused(
    door: Authenticator, token: str, clock: SetClock
) -> None:
    clock.moment = START + timedelta(hours=12)
    assert "expired" in (await refusal_of(door, f"Bearer {token}")).detail


async def test_a_token_is_proved_once_and_then_remembered(door: Authenticator, token: str) -> None:
    assert await door.authenticate(f"Bearer {token}") is await door.authenticate(f"Bearer {token}")


async def test_what_is_remembered_is_bounded_and_the_ones_in_use_stay(door: Authenticator, token: str) -> None:
    first = await door.authenticate(f"Bearer {token}")
    for number in range(REMEMBERED_MAX):
        door._verified.keep(number.to_bytes(4, "big"), OFFICER, NOW + 3600)
        if number % 1_000 == 0:
            await door.authenticate(f"Bearer {token}")
    assert len(door._verified._entries) == REMEMBERED_MAX
    assert door._verified.recall((0).to_bytes(4, "big"), NOW) is None
    assert await door.authenticate(f"Bearer {token}") is first


API_KEY_ID = "0123456789abcdef"
API_TOKEN = f"{PREFIX}_{API_KEY_ID}_{'s' * 43}"
MACHINE = Caller("dashboard", Role.AUDITOR, ("19",))


def api_key(**changes: object) -> ApiKey:
    return replace(ApiKey(API_KEY_ID, sha256(b"s" * 43).digest(), MACHINE, None, None), **changes)  # type: ignore[arg-type]


async def test_a_key_of_a_machine_makes_its_caller_and_is_looked_up_once_in_a_while(
    door: Authenticator, api_keys: ApiKeys, clock: SetClock
) -> None:
    api_keys.known[API_KEY_ID] = api_key()
    for _ in range(5):
        assert await door.authenticate(f"Bearer {API_TOKEN}") == MACHINE
    assert api_keys.asked == 1
    clock.moment += timedelta(seconds=API_KEY_SECONDS_MAX)
    assert await door.authenticate(f"Bearer {API_TOKEN}") == MACHINE
    assert api_keys.asked == 2


async def test_a_revoked_key_is_refused_within_seconds(door: Authenticator, api_keys: ApiKeys, clock: SetClock) -> None:
    api_keys.known[API_KEY_ID] = api_key()
    assert await door.authenticate(f"Bearer {API_TOKEN}") == MACHINE
    api_keys.known[API_KEY_ID] = api_key(revoked_at=clock.moment)
    clock.moment += timedelta(seconds=API_KEY_SECONDS_MAX)
    await refusal_of(door, f"Bearer {API_TOKEN}")
    assert API_KEY_SECONDS_MAX <= 10


async def test_a_key_that_expires_while_remembered_is_refused_at_that_moment(
    door: Authenticator, api_keys: ApiKeys, clock: SetClock
) -> None:
    api_keys.known[API_KEY_ID] = api_key(expires_at=clock.moment + timedelta(seconds=1))
    assert await door.authenticate(f"Bearer {API_TOKEN}") == MACHINE
    clock.moment += timedelta(seconds=1)
    await refusal_of(door, f"Bearer {API_TOKEN}")
    assert api_keys.asked == 1


async def test_a_known_key_with_another_secret_is_refused_like_an_unknown_one(
    door: Authenticator, api_keys: ApiKeys
) -> None:
    unknown = await refusal_of(door, f"Bearer {PREFIX}_{'f' * 16}_{'s' * 43}")
    api_keys.known[API_KEY_ID] = api_key()
    wrong = await refusal_of(door, f"Bearer {API_TOKEN[:-1]}t")
    assert (wrong.detail, wrong.headers) == (unknown.detail, unknown.headers)


async def test_what_cannot_be_a_key_is_not_looked_up(door: Authenticator, api_keys: ApiKeys) -> None:
    for token in (f"{API_TOKEN}x", API_TOKEN[:-1], API_TOKEN.upper(), f"{PREFIX}_{'x' * 16}_{'s' * 43}"):
        await refusal_of(door, f"Bearer {token}")
    assert api_keys.asked == 0


def test_an_issuer_without_an_audience_is_refused_at_the_start(keys: KeyStore, api_keys: ApiKeys) -> None:
    settings = Settings.from_env({"OIDC_ISSUER": "https://login.example"})
    with pytest.raises(SettingInvalid, match="OIDC_AUDIENCE"):
        Authenticator(settings, keys, api_keys.find, nothing_ended)


@pytest.mark.parametrize(
    "issuer", ["http://login.example", "login.example", "ftp://localhost", "https://", "file:///x"]
)
def test_an_issuer_whose_answers_could_be_forged_on_the_way_is_refused_at_the_start(
    keys: KeyStore, api_keys: ApiKeys, issuer: str
) -> None:
    settings = Settings.from_env({"OIDC_ISSUER": issuer, "OIDC_AUDIENCE": "serumpun"})
    with pytest.raises(SettingInvalid, match="OIDC_ISSUER"):
        Authenticator(settings, keys, api_keys.find, nothing_ended)
