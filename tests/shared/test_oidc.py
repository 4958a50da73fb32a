"""Tokens of an outside issuer, which is a real server here: found by discovery, and never trusted further than that."""

import asyncio
import json
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from shared import oidc
from shared.api_keys import ApiKey
from shared.caller import Caller, Role
from shared.clock import Clock
from shared.problems import Refusal, Unauthenticated, Unavailable
from shared.security import TOKEN_SECONDS_MAX, Authenticator, KeyStore, issue_token
from shared.settings import Settings
from tests.door import nothing_ended
from tests.waiting import SECONDS_MAX, wait_until

START = datetime(2020, 9, 14, 3, 0, tzinfo=UTC)
DISCOVERY = "/realms/babel/.well-known/openid-configuration"
JWKS = "/realms/babel/keys"
Document = dict[str, object] | bytes | int
"""What the server answers at an address: JSON, bytes as they are, or only a status."""


class SetClock(Clock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment


class IssuerServer(ThreadingHTTPServer):
    """An issuer on a real socket, whose answers can be changed while it runs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), IssuerPages)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/realms/babel"
        self.documents: dict[str, Document] = {
            DISCOVERY: {"issuer": self.url, "jwks_uri": self.url + "/keys", "token_endpoint": "x"}
        }
        self.asked: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def publish(self, *keys: Key) -> None:
        self.documents[JWKS] = {"keys": [key.as_dict(private=False) for key in keys]}


class IssuerPages(BaseHTTPRequestHandler):
    server: IssuerServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.may_answer.wait(30)
        document = self.server.documents.get(self.path, 404)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(document if isinstance(document, int) else 200)
        if document == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library names it
        """Say nothing."""


@pytest.fixture
def issuer() -> Iterator[IssuerServer]:
    with IssuerServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


async def no_api_keys(key_id: str) -> ApiKey | None:
    return None


@pytest.fixture
async def door(issuer: IssuerServer, tmp_path: Path, clock: SetClock) -> AsyncIterator[Authenticator]:
    settings = Settings.from_env({"OIDC_ISSUER": issuer.url, "OIDC_AUDIENCE": "serumpun-api"})
    authenticator = Authenticator(settings, KeyStore(tmp_path), no_api_keys, nothing_ended, clock=clock)
    yield authenticator
    await authenticator.close()


def claims_of(issuer: IssuerServer, **changes: object) -> dict[str, object]:
    seconds = int(START.timestamp())
    return {
        "iss": issuer.url,
        "aud": ["account", "serumpun-api"],
        "sub": "3f0c-staff",
        "iat": seconds,
        "exp": seconds + 3600,
        "role": "province_staff",
        "regions": ["19"],
    } | changes


def signed(claims: dict[str, object], key: Key, algorithm: str, **header: object) -> str:
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    protected = {"alg": algorithm, "kid": key.kid, **header}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of the name EdDSA: only we, who read, must stay silent
        return "Bearer " + jws.serialize_compact(protected, json.dumps(claims), key, registry=registry)


async def refusal_of(door: Authenticator, authorization: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await door.authenticate(authorization)
    return caught.value


STAFF = Caller("3f0c-staff", Role.PROVINCE_STAFF, ("19",))


async def test_a_token_of_the_issuer_makes_the_caller_that_it_names(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    assert await door.authenticate(signed(claims_of(issuer), rsa, "RS256")) == STAFF
    assert issuer.asked == [DISCOVERY, JWKS]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
async def test_each_algorithm_of_the_list_is_understood(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, algorithm: str
) -> None:
    keys: dict[str, Key] = {
        "RS256": rsa,
        "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
        "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    }
    key = keys[algorithm]
    issuer.publish(key)
    assert await door.authenticate(signed(claims_of(issuer), key, algorithm)) == STAFF


async def test_an_algorithm_beside_the_list_is_refused_even_with_the_right_key(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    for algorithm in ("RS384", "RS512", "PS256"):
        refusal = await refusal_of(door, signed(claims_of(issuer), rsa, algorithm))
        assert isinstance(refusal, Unauthenticated)


async def test_the_public_key_of_the_issuer_is_never_a_shared_secret(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    public = json.dumps(rsa.as_dict(private=False)).encode()
    secret = OctKey.import_key(public, {"kid": "rsa-1"})
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), secret, "HS256")), Unauthenticated)


async def test_a_shared_secret_that_the_issuer_publishes_by_mistake_proves_nothing(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"})
    issuer.documents[JWKS] = {"keys": [secret.as_dict(private=True), rsa.as_dict(private=False)]}
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), secret, "HS256")), Unauthenticated)
    assert await door.authenticate(signed(claims_of(issuer), rsa, "RS256")) == STAFF


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "account"},
        {"aud": "serumpun"},
        {"aud": []},
        {"exp": int(START.timestamp())},
        {"exp": None},
        {"nbf": int(START.timestamp()) + 3600},
        {"role": "governor"},
        {"role": None},
        {"role": ["auditor", "operator"]},
        {"regions": ["Bangka"]},
        {"regions": None},
        {"regions": {"19": True}},
        {"sub": ""},
    ],
    ids=str,
)
async def test_a_wrong_claim_is_refused(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, changes: dict[str, object]
) -> None:
    issuer.publish(rsa)
    refusal = await refusal_of(door, signed(claims_of(issuer, **changes), rsa, "RS256"))
    assert isinstance(refusal, Unauthenticated)


async def test_a_token_of_another_issuer_is_refused_without_asking_anybody(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    for other in ("https://evil.example", issuer.url + "/", ""):
        assert isinstance(await refusal_of(door, signed(claims_of(issuer, iss=other), rsa, "RS256")), Unauthenticated)
    assert issuer.asked == []


async def test_the_issuer_cannot_sign_in_our_own_name(door: Authenticator, issuer: IssuerServer, rsa: RSAKey) -> None:
    issuer.publish(rsa)
    ours = claims_of(issuer, iss="serumpun", aud="serumpun")
    assert isinstance(await refusal_of(door, signed(ours, rsa, "RS256")), Unauthenticated)


async def test_a_role_among_others_and_regions_as_text_are_understood(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    claims = claims_of(issuer, role=["offline_access", "regency_officer"], regions="19.71 19.01 19.71")
    caller = await door.authenticate(signed(claims, rsa, "RS256"))
    assert caller == Caller("3f0c-staff", Role.REGENCY_OFFICER, ("19.71", "19.01"))


async def test_the_claims_may_have_other_names(issuer: IssuerServer, rsa: RSAKey, tmp_path: Path) -> None:
    issuer.publish(rsa)
    settings = Settings.from_env({"OIDC_ISSUER": issuer.url, "OIDC_AUDIENCE": "serumpun-api"})
    clock, keys = SetClock(), KeyStore(tmp_path)
    door = Authenticator(
        settings, keys, no_api_keys, nothing_ended, clock=clock, role_claim="jabatan", regions_claim="wilayah"
    )
    token = signed(claims_of(issuer, role="operator", jabatan="auditor", wilayah=["19.01"]), rsa, "RS256")
    assert await door.authenticate(token) == Caller("3f0c-staff", Role.AUDITOR, ("19.01",))
    await door.close()


async def test_headers_that_we_do_not_know_are_no_hindrance(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    token = signed(claims_of(issuer), rsa, "RS256", typ="at+jwt", nonce="n", x5t="dGh1bWI")
    assert await door.authenticate(token) == STAFF


async def test_keys_that_we_do_not_understand_leave_the_others_in_use(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.documents[JWKS] = {
        "keys": [
            {"kty": "AKP", "alg": "ML-DSA-44", "pub": "x", "kid": "future"},
            {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "curve"},
            {"kty": "RSA", "kid": "half"},
            {"kty": "RSA", "n": 7, "e": None, "kid": "types"},
            {},
            {**RSAKey.generate_key(2048).as_dict(private=False), "use": "enc", "kid": "for-encryption"},
            rsa.as_dict(private=False),
        ]
    }
    assert await door.authenticate(signed(claims_of(issuer), rsa, "RS256")) == STAFF


async def test_an_issuer_with_one_key_need_not_name_it(door: Authenticator, issuer: IssuerServer, rsa: RSAKey) -> None:
    nameless = RSAKey.import_key({k: v for k, v in rsa.as_dict(private=True).items() if k != "kid"})
    issuer.publish(nameless)
    registry = jws.JWSRegistry(algorithms=["RS256"])
    token = jws.serialize_compact({"alg": "RS256"}, json.dumps(claims_of(issuer)), nameless, registry=registry)
    assert await door.authenticate(f"Bearer {token}") == STAFF


async def test_a_new_key_of_the_issuer_is_found_when_a_token_names_it(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, clock: SetClock
) -> None:
    issuer.publish(rsa)
    await door.authenticate(signed(claims_of(issuer), rsa, "RS256"))
    new = RSAKey.generate_key(2048, {"kid": "rsa-2"})
    issuer.publish(rsa, new)
    clock.moment += oidc.PAUSE
    assert await door.authenticate(signed(claims_of(issuer), new, "RS256")) == STAFF


async def test_tokens_with_invented_key_names_cost_the_issuer_one_question_in_half_a_minute(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, clock: SetClock
) -> None:
    issuer.publish(rsa)
    stranger = RSAKey.generate_key(2048)
    for number in range(20):
        token = signed(claims_of(issuer), stranger, "RS256", kid=f"invented-{number}")
        assert isinstance(await refusal_of(door, token), Unauthenticated)
    assert issuer.asked == [DISCOVERY, JWKS]
    clock.moment += oidc.PAUSE
    for number in range(20):
        token = signed(claims_of(issuer), stranger, "RS256", kid=f"invented-{number}")
        assert isinstance(await refusal_of(door, token), Unauthenticated)
    assert issuer.asked == [DISCOVERY, JWKS] * 2
    assert oidc.PAUSE.total_seconds() == 30


async def test_a_key_that_the_issuer_withdraws_stops_counting(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, clock: SetClock
) -> None:
    issuer.publish(rsa)
    token = signed(claims_of(issuer), rsa, "RS256")
    assert await door.authenticate(token) == STAFF
    issuer.publish(RSAKey.generate_key(2048, {"kid": "rsa-2"}))
    clock.moment += oidc.REFRESH_AFTER + timedelta(seconds=TOKEN_SECONDS_MAX)
    assert isinstance(await refusal_of(door, token), Unauthenticated)


async def test_many_requests_at_once_ask_the_issuer_once(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    tokens = [signed(claims_of(issuer, sub=f"staff-{number}"), rsa, "RS256") for number in range(20)]
    callers = await asyncio.gather(*map(door.authenticate, tokens))
    assert [caller.subject for caller in callers] == [f"staff-{number}" for number in range(20)]
    assert issuer.asked == [DISCOVERY, JWKS]


async def test_an_issuer_that_is_down_is_503_and_not_500(
    issuer: IssuerServer, rsa: RSAKey, tmp_path: Path, unused_tcp_port: int
) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    settings = Settings.from_env({"OIDC_ISSUER": address, "OIDC_AUDIENCE": "serumpun-api"})
    door = Authenticator(settings, KeyStore(tmp_path), no_api_keys, nothing_ended, clock=SetClock())
    refusal = await refusal_of(door, signed(claims_of(issuer, iss=address), rsa, "RS256"))
    assert isinstance(refusal, Unavailable)
    assert (refusal.status, refusal.code) == (503, "unavailable")
    assert "Retry-After" in refusal.headers
    await door.close()


DEEP = b'{"x": ' + b"[" * 100_000


@pytest.mark.parametrize("page", [DISCOVERY, JWKS])
@pytest.mark.parametrize(
    "answer",
    [404, 500, 302, b"", b"<html>", b"[]", b"{}", b'{"keys": 7}', b'{"keys": []}', DEEP],
    ids=lambda answer: str(answer)[:12],
)
async def test_whatever_nonsense_the_issuer_answers_is_503_and_not_500(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, page: str, answer: Document
) -> None:
    issuer.publish(rsa)
    issuer.documents[page] = answer
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), rsa, "RS256")), Unavailable)
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize("page", [DISCOVERY, JWKS])
async def test_an_answer_without_end_is_not_read_to_its_end(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, page: str
) -> None:
    issuer.publish(rsa)
    issuer.documents[page] = json.dumps(issuer.documents[page]).encode() + b" " * oidc.DOCUMENT_BYTES_MAX
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), rsa, "RS256")), Unavailable)


async def test_keys_of_other_kinds_are_no_keys(door: Authenticator, issuer: IssuerServer, rsa: RSAKey) -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"}).as_dict(private=True)
    encrypting = {**rsa.as_dict(private=False), "use": "enc"}
    issuer.documents[JWKS] = {"keys": [secret, encrypting]}
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), rsa, "RS256")), Unavailable)


async def test_an_address_that_only_happens_to_lead_here_is_not_protected(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    elsewhere = issuer.url.replace("127.0.0.1", "127.1") + "/keys"
    issuer.documents[DISCOVERY] = {"issuer": issuer.url, "jwks_uri": elsewhere}
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), rsa, "RS256")), Unavailable)
    assert issuer.asked == [DISCOVERY]


@pytest.mark.parametrize(
    "changes",
    [{"issuer": "https://evil.example"}, {"jwks_uri": "http://evil.example/keys"}, {"jwks_uri": "file:///etc/passwd"}],
    ids=str,
)
async def test_a_discovery_document_that_points_elsewhere_is_not_followed(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, changes: dict[str, object]
) -> None:
    issuer.publish(rsa)
    issuer.documents[DISCOVERY] = {"issuer": issuer.url, "jwks_uri": issuer.url + "/keys", **changes}
    assert isinstance(await refusal_of(door, signed(claims_of(issuer), rsa, "RS256")), Unavailable)
    assert issuer.asked == [DISCOVERY]


async def test_an_issuer_that_comes_back_is_asked_again_soon_and_not_at_every_request(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, clock: SetClock
) -> None:
    issuer.publish(rsa)
    token = signed(claims_of(issuer), rsa, "RS256")
    working, issuer.documents[DISCOVERY] = issuer.documents[DISCOVERY], 503
    for _ in range(5):
        assert isinstance(await refusal_of(door, token), Unavailable)
    assert issuer.asked == [DISCOVERY]
    issuer.documents[DISCOVERY] = working
    clock.moment += oidc.PAUSE_AFTER_FAILURE
    assert await door.authenticate(token) == STAFF


async def test_keys_that_are_known_go_on_counting_while_the_issuer_is_away(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, clock: SetClock
) -> None:
    issuer.publish(rsa)
    token = signed(claims_of(issuer), rsa, "RS256")
    assert await door.authenticate(token) == STAFF
    issuer.documents[DISCOVERY] = 503
    clock.moment += oidc.REFRESH_AFTER + timedelta(seconds=TOKEN_SECONDS_MAX)
    assert await door.authenticate(token) == STAFF
    assert issuer.asked == [DISCOVERY, JWKS, DISCOVERY]


async def test_an_issuer_that_never_answers_is_given_up(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey, clock: SetClock
) -> None:
    issuer.publish(rsa)
    token = signed(claims_of(issuer), rsa, "RS256")
    issuer.may_answer.clear()
    waiting = asyncio.create_task(refusal_of(door, token))
    await wait_until(lambda: issuer.asked, description="the question to arrive")
    assert isinstance(await asyncio.wait_for(waiting, SECONDS_MAX), Unavailable)


async def test_a_request_that_is_given_up_while_it_waits_leaves_no_trace(
    door: Authenticator, issuer: IssuerServer, rsa: RSAKey
) -> None:
    issuer.publish(rsa)
    token = signed(claims_of(issuer), rsa, "RS256")
    issuer.may_answer.clear()
    waiting = asyncio.create_task(door.authenticate(token))
    await wait_until(lambda: issuer.asked, description="the question to arrive")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    issuer.may_answer.set()
    assert await door.authenticate(token) == STAFF


async def test_our_own_tokens_work_while_the_issuer_is_away(
    issuer: IssuerServer, tmp_path: Path, door: Authenticator, clock: SetClock
) -> None:
    issuer.documents.clear()
    token = issue_token(KeyStore(tmp_path), Role.AUDITOR, ("19",), "auditor-1", 1, clock=clock)
    assert (await door.authenticate(f"Bearer {token}")).subject == "auditor-1"
    assert issuer.asked == []
