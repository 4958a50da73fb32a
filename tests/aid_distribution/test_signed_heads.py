"""Heads of the chains are signed by themselves, and find out what no chain can say of itself."""

import asyncio
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import text

from services.aid_distribution.chain import audit as signed_heads
from services.aid_distribution.chain import store
from services.aid_distribution.chain.domain import PURPOSE, SignedHead, key_id
from services.aid_distribution.chain.sweep import sweep
from services.aid_distribution.ledger import chain_audit
from services.aid_distribution.ledger.audit import Discrepancy
from services.aid_distribution.ledger.chain import Head, following
from services.aid_distribution.main import SERVICE
from shared.database import Database, Work
from shared.privacy import Vault
from shared.security import KeyStore
from tests.aid_distribution.chain_story import lived_in
from tests.aid_distribution.story import (
    ELSEWHERE,
    OFFICE,
    PROVINCE,
    StoppedClock,
    plant,
    receipt,
    receive,
)
from tests.door import Client, open_door

Door = Mapping[str, Client]
APART = timedelta(minutes=10)
KEY = Vault(b"m" * 32).signer(PURPOSE).public_key()


@pytest.fixture
async def signed(database: Database, clock: StoppedClock) -> Database:
    """A ledger of two regions whose heads were signed."""
    await lived_in(database, clock)
    assert await sweep(database, APART) == 2
    return database


async def heads(database: Database) -> list[SignedHead]:
    async with database.reading(OFFICE) as work:
        return await store.page(work.session, ("", 0), 100)


async def found(work: Work) -> list[Discrepancy]:
    return [*await chain_audit.audit(work.session), *await signed_heads.audit(work.session, KEY)]


# Signing


async def test_a_head_is_signed_when_it_has_moved_and_not_too_often(signed: Database, clock: StoppedClock) -> None:
    first = await heads(signed)
    assert [(one.region, one.seq) for one in first] == [("19.02", 1), ("19.71", 8)]
    assert all(one.holds(KEY) and one.key_id == key_id(KEY) for one in first)
    clock.advance(timedelta(hours=1))
    assert await sweep(signed, APART) == 0
    await receive(signed, receipt(1))
    assert await sweep(signed, APART) == 1
    await receive(signed, receipt(1))
    clock.advance(APART - timedelta(seconds=1))
    assert await sweep(signed, APART) == 0
    clock.advance(timedelta(seconds=1))
    assert await sweep(signed, APART) == 1
    assert [(one.region, one.seq) for one in await heads(signed)][1:] == [("19.71", 8), ("19.71", 9), ("19.71", 10)]


async def test_of_two_copies_that_sign_at_once_one_has_signed(database: Database, clock: StoppedClock) -> None:
    await lived_in(database, clock)
    other = Database(database.url, database.source, partitions=4, clock=clock, vault=database.vault)
    try:
        await asyncio.gather(*(sweep(one, APART) for one in (database, other) * 2))
    finally:
        await other.close()
    assert len(await heads(database)) == 2


async def test_a_chain_that_does_not_hold_what_was_signed_is_not_signed_again(
    signed: Database, clock: StoppedClock
) -> None:
    async with signed.work(OFFICE) as work:
        await plant(
            work,
            "DELETE FROM posting WHERE region = '19.71' AND chain_seq = 8",
            "UPDATE chain_head h SET last_seq = 7, last_hash = chain_hash FROM posting p"
            " WHERE h.region = '19.71' AND (p.region, p.chain_seq) = ('19.71', 7)",
        )
    clock.advance(timedelta(days=1))
    await receive(signed, receipt(1, clock.now()))
    await receive(signed, receipt(1, clock.now()))
    await receive(signed, receipt(1, place=ELSEWHERE))
    assert await sweep(signed, APART) == 1
    assert [(one.region, one.seq) for one in await heads(signed)] == [("19.02", 1), ("19.02", 2), ("19.71", 8)]


async def test_a_signed_head_is_never_changed(signed: Database) -> None:
    for order in ("UPDATE signed_head SET seq = 1", "DELETE FROM signed_head", "TRUNCATE signed_head"):
        with pytest.raises(Exception, match="append-only"):
            await _carried_out(signed, order)


async def _carried_out(database: Database, order: str) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(text(order))


# What they find


async def test_an_end_that_was_cut_off_without_a_trace_in_the_chain_is_found(signed: Database) -> None:
    async with signed.work(OFFICE) as work:
        await plant(
            work,
            "DELETE FROM posting WHERE region = '19.71' AND chain_seq > 6",
            "UPDATE chain_head h SET last_seq = 6, last_hash = chain_hash FROM posting p"
            " WHERE h.region = '19.71' AND (p.region, p.chain_seq) = ('19.71', 6)",
        )
        assert await chain_audit.audit(work.session) == []
        (one,) = await found(work)
        await work.session.rollback()
    assert one.check == signed_heads.ON_CHAIN
    assert one.subject.startswith("19.71 number 8 signed 2026-05-20T05:")
    assert one.found == "no posting"


async def test_a_chain_that_was_made_anew_is_found(signed: Database) -> None:
    async with signed.work(OFFICE) as work:
        await plant(work, "UPDATE posting SET actor = 'x' WHERE region = '19.71' AND chain_seq = 7")
        await _made_anew(work)
        assert await chain_audit.audit(work.session) == []
        (one,) = await found(work)
        await work.session.rollback()
    assert (one.check, one.subject[:14]) == (signed_heads.ON_CHAIN, "19.71 number 8")
    assert len(one.found) == len(one.expected) == 64


async def _made_anew(work: Work) -> None:
    """Hash the chain of 19.71 anew from its seventh posting on, as whoever knows how could."""
    head = Head(*(await work.session.execute(
        text("SELECT chain_seq, chain_hash FROM posting WHERE region = '19.71' AND chain_seq = 6")
    )).one())  # fmt: skip
    for _, said in await chain_audit.said_after(work.session, "19.71", 6):
        head = following(head, said)
        await work.session.execute(
            text("UPDATE posting SET chain_hash = :hash WHERE region = '19.71' AND chain_seq = :seq"),
            head._asdict(),
        )
    await work.session.execute(
        text("UPDATE chain_head SET last_hash = :hash WHERE region = '19.71'"), {"hash": head.hash}
    )


@pytest.mark.parametrize(
    ("what", "checks"),
    [
        ("hash = sha256('x')", {signed_heads.ON_CHAIN, signed_heads.SIGNED}),
        ("signed_at = signed_at - interval '1 day'", {signed_heads.SIGNED}),
        ("signature = sha256('a') || sha256('b')", {signed_heads.SIGNED}),
        ("key_id = 'x'", {signed_heads.SIGNED}),
        ("seq = 7", {signed_heads.ON_CHAIN, signed_heads.SIGNED}),
    ],
)
async def test_a_signed_head_that_was_changed_by_hand_is_found(signed: Database, what: str, checks: set[str]) -> None:
    async with signed.work(OFFICE) as work:
        await plant(work, f"UPDATE signed_head SET {what} WHERE region = '19.71'")  # noqa: S608 - our own text
        assert {one.check for one in await found(work)} == checks
        await work.session.rollback()
        assert await found(work) == []


async def test_every_signed_head_is_looked_at_page_by_page(signed: Database) -> None:
    async with signed.work(OFFICE) as work:
        await plant(
            work,
            "INSERT INTO signed_head SELECT region, n, hash, signed_at, key_id, signature"
            " FROM signed_head, generate_series(1001, 3001) n WHERE region = '19.71'",
        )
        wrong = await found(work)
        await work.session.rollback()
    assert len([one for one in wrong if one.check == signed_heads.ON_CHAIN]) == 2_001


# To whoever keeps them outside


@pytest.fixture
async def outside(database: Database, keys: KeyStore) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token."""
    app = open_door(SERVICE, database, keys)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_an_auditor_is_given_the_heads_and_anybody_the_key_that_checks_them(
    door: Door, signed: Database, outside: httpx.AsyncClient
) -> None:
    kept = (await door["auditor"].get("/aid/chain")).json()["items"]
    assert [(one["region"], one["seq"]) for one in kept] == [("19.02", 1), ("19.71", 8)]
    jwk = (await outside.get("/aid/chain/key")).json()
    key = Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))
    assert load_pem_public_key(jwk["pem"].encode()) == key
    for one in kept:
        at = one["signed_at"].removesuffix("+07:00")
        assert at.startswith("2026-05-20T12:")
        assert one["statement"].startswith(
            f"serumpun-chain-head/1 {one['region']} {one['seq']} {one['hash']} 2026-05-20T05:"
        )
        key.verify(_bytes(one["signature"]), one["statement"].encode())
        assert one["key_id"] == jwk["kid"]
    assert (jwk["kty"], jwk["crv"], jwk["alg"]) == ("OKP", "Ed25519", "Ed25519")


def _bytes(letters: str) -> bytes:
    return urlsafe_b64decode(letters + "==")


async def test_who_may_see_the_heads(door: Door, signed: Database, outside: httpx.AsyncClient) -> None:
    statuses = {name: (await client.get("/aid/chain")).status_code for name, client in door.items()}
    assert statuses == {"office": 200, "pangkalpinang": 403, "belitung": 403, "auditor": 200, "operator": 200}
    assert (await outside.get("/aid/chain")).status_code == 401


async def test_only_the_last_head_of_each_region_is_listed_by_pages(
    door: Door, signed: Database, clock: StoppedClock
) -> None:
    clock.advance(timedelta(days=1))
    await receive(signed, receipt(1))
    await receive(signed, receipt(1, place=PROVINCE))
    assert await sweep(signed, APART) == 2
    seen: list[tuple[str, int]] = []
    address: str | None = "/aid/chain?limit=2"
    while address:
        page: dict[str, Any] = (await door["office"].get(address)).json()
        seen += [(one["region"], one["seq"]) for one in page["items"]]
        address = f"/aid/chain?limit=2&cursor={page['next']}" if page["next"] else None
    assert seen == [("19", 1), ("19.02", 1), ("19.71", 9)]


@pytest.mark.skipif(which("openssl") is None, reason="this machine has no openssl")
async def test_the_way_that_is_described_for_other_tools_works(
    door: Door, signed: Database, outside: httpx.AsyncClient, tmp_path: Path
) -> None:
    """docs/operating.md: openssl alone checks a head."""
    (_, kept) = (await door["office"].get("/aid/chain")).json()["items"]
    (tmp_path / "key.pem").write_text((await outside.get("/aid/chain/key")).json()["pem"])
    (tmp_path / "head.txt").write_bytes(kept["statement"].encode())
    (tmp_path / "head.sig").write_bytes(_bytes(kept["signature"]))
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in head.txt -sigfile head.sig"

    def checked() -> int:
        return subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode

    assert checked() == 0
    (tmp_path / "head.txt").write_bytes(kept["statement"].replace(" 8 ", " 9 ").encode())
    assert checked() != 0


async def test_nothing_is_listed_before_anything_is_signed(door: Door) -> None:
    assert (await door["auditor"].get("/aid/chain")).json() == {"items": [], "next": None}
