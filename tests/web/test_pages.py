"""What a browser is given at `/`: small files kept for ever, one document that is asked about, and nothing else."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from services import pages
from services.pages import Pages
from shared.answers import problem
from shared.problems import Absent
from shared.telemetry import Receive, Scope, Send

ROOT = Path(__file__).parents[2]
ADDRESSES = ["/", "/masuk", "/pelatihan", "/pesanan", "/survei", "/sertifikat", "/pengaturan", "/periksa", "/lapor"]
ADDRESSES += ["/masuk-kantor", "/ringkasan", "/kartu", "/pembagian", "/lapangan"]
ADDRESSES += ["/ganda", "/siaran", "/alokasi", "/impor", "/produksi", "/sistem", "/rincian"]


async def otherwise(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(Absent(), scope["path"], "otherwise")(scope, receive, send)


def browser(folder: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Pages(otherwise, folder))
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Accept-Encoding": "identity"})


@pytest.fixture
async def client(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(built) as one:
        yield one


@pytest.mark.parametrize("path", ADDRESSES)
async def test_every_address_of_a_page_answers_the_document_under_a_strict_policy(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[name] for name in policy if name.endswith("-src") and name != "default-src"} == {"'self'"}
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    allowed = set(answer.headers["permissions-policy"].split(", "))
    assert allowed == {"camera=(self)", "geolocation=(self)", "microphone=()", "payment=()", "usb=()"}
    assert answer.headers["x-request-id"]


async def test_the_document_holds_nothing_inline_and_names_no_other_host(client: httpx.AsyncClient) -> None:
    text = (await client.get("/")).text
    assert not re.search(r"https?://|<style|\son\w+=|style=", text)
    assert all(re.search(r'src="/assets/', tag) for tag in re.findall(r"<script[^>]*>", text))


async def test_the_document_is_not_sent_again_to_who_has_it(client: httpx.AsyncClient) -> None:
    for encoding in ("identity", "gzip", "br"):
        first = await client.get("/", headers={"Accept-Encoding": encoding})
        again = await client.get("/", headers={"Accept-Encoding": encoding, "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"] == "no-cache"


async def test_what_it_leads_to_is_named_by_content_kept_for_ever_and_compressed(client: httpx.AsyncClient) -> None:
    found = re.findall(r'(?:src|href)="(/assets/[^"]+)"', (await client.get("/")).text)
    assert {path.rpartition(".")[2] for path in found} == {"js", "css"}
    for path in found:
        assert re.search(r"-[\w-]{8}\.(js|css)$", path)
        sizes = []
        for accepted, sent in (
            ("identity", None),
            ("gzip", "gzip"),
            ("gzip, deflate, br", "br"),
            ("br;q=0, gzip", "gzip"),
        ):
            async with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
                raw = b"".join([part async for part in answer.aiter_raw()])
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["vary"] == "accept-encoding"
            assert answer.headers.get("content-encoding") == sent
            assert int(answer.headers["content-length"]) == len(raw)
            sizes.append(raw)
        assert gzip.decompress(sizes[1]) == sizes[0]
        assert len(sizes[2]) < len(sizes[1]) < len(sizes[0])


@pytest.mark.parametrize(
    "path", ["/assets/index-00000000.js", "/index.html", "/pages.json", "/.sources", "/favicon.ico", "/tidak-ada",
             "/assets/../.sources", "/assets/%2e%2e/.sources", "/assets", "/masuk/", "/registration/businesses"],
)  # fmt: skip
async def test_whatever_is_no_page_and_no_file_goes_to_who_answers_otherwise(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_only_questions_are_for_pages(client: httpx.AsyncClient) -> None:
    assert (await client.post("/")).status_code == 404
    head = await client.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0


async def test_without_a_build_the_address_says_what_to_do_and_nothing_else_changes(tmp_path: Path) -> None:
    async with browser(tmp_path / "no-build") as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "make pages" in answer.json()["detail"]
        assert (await client.get("/masuk")).status_code == 404
    assert not pages.are_there(tmp_path)


def test_the_front_door_leads_every_page_and_every_file_of_one_to_where_they_are(built: Path) -> None:
    door = (ROOT / "deploy/proxy/haproxy.cfg").read_text()
    (listed,) = re.findall(r"acl page path (.*)", door)
    files = {f"/{path.name}" for path in built.iterdir() if path.suffix in pages.MEDIA_TYPES} - {
        "/index.html",
        "/pages.json",
    }
    assert set(listed.split()) == {*msgspec.json.decode((built / "pages.json").read_bytes(), type=list[str]), *files}
    assert "acl page path_beg /assets/" in door
