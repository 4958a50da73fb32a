"""Orders about messages: staff, hooks, replies, signing in and broadcasts."""

import hmac
import json
from dataclasses import replace
from uuid import uuid4

from tests.faults.orders.businesses import register_business
from tests.faults.orders.giving import (
    BROADCASTS,
    FROM_A_PAGE,
    PROVINCE,
    REGION,
    SMS_HOOK_SECRET,
    Json,
    Office,
    Order,
    in_days,
    moment,
    numbers,
    post,
)
from tests.faults.orders.stock import receive_stock
from tests.faults.orders.trainings import offered


async def register_staff(_office: Office) -> Order:
    # An auditor, to whom no rule tells anything: what the others were told before stays complete.
    subject = f"auditor-{next(numbers)}"
    return post(
        "notifications", "/notifications/staff", subject=subject, name="Bambang", role="auditor", regions=["19"]
    )


async def take_hook(_office: Office) -> Order:
    return _hook({"event_id": str(uuid4()), "id": "id-1", "kind": "delivered", "at": moment()})


def _hook(event: Json) -> Order:
    content = json.dumps({"events": [event]}).encode()
    signature = hmac.digest(SMS_HOOK_SECRET.encode(), content, "sha256").hex()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    return Order("notifications", "POST", "/notifications/hooks/sms", headers=headers, content=content)


async def find_number_bad(office: Office) -> Order:
    """Let the text gateway tell that nobody has the number to which an owner's welcome was sent."""
    number = next(numbers)
    owner = {"name": f"Pemilik {number}", "email": f"pemilik-{number}@contoh.example", "phone": f"08340030{number:04}"}
    business = {"name": f"Usaha {number}", "sector": "garment", "region": REGION, "owner": owner}
    made = await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    provider_id = await office.sent_by_text(made["owner_id"])
    event = {"event_id": str(uuid4()), "id": provider_id, "kind": "failed", "code": "unknown_subscriber"}
    return _hook(event | {"at": moment()})


async def close_contact_task(office: Office) -> Order:
    await office.done(await find_number_bad(office))
    await office.rests()
    found = await office.asked("registration", "/registration/contact-tasks?state=open&limit=1")
    return post(
        "registration", f"/registration/contact-tasks/{found['items'][0]['id']}/closure", reason="Tidak punya telepon"
    )


async def resolve_delivery(office: Office) -> Order:
    number = next(numbers)
    owner = {
        "name": f"Pemilik {number}",
        "email": f"hilang-{number}@contoh.example",
    }
    await office.done(
        post(
            "registration", "/registration/businesses",
            name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
        )
    )  # fmt: skip
    await office.rests()
    found = await office.asked("notifications", "/notifications/deliveries?state=unknown")
    path = f"/notifications/deliveries/{found['items'][0]['id']}/resolution"
    return post("notifications", path, outcome="not_delivered", reason="Ia belum menerimanya")


async def read_message(office: Office) -> Order:
    await office.done(await receive_stock(office, PROVINCE))
    await office.rests()
    newest = (await office.asked("notifications", "/notifications/inbox?limit=1"))["items"][0]
    assert newest["read_at"] is None
    return post("notifications", f"/notifications/inbox/{newest['id']}/read")


async def change_preferences(office: Office) -> Order:
    """Choose as an owner to whom nothing else is told meanwhile."""
    business = await office.done(await register_business(office))
    await office.rests()
    path = "/notifications/preferences"
    order = Order("notifications", "PATCH", path, {"digest": True}, {"If-Match": '"1"'})
    return replace(order, owner=business["owner_id"])


async def say_stop(office: Office) -> Order:
    business = await office.done(await register_business(office))
    await office.rests()
    return post("notifications", f"/notifications/owners/{business['owner_id']}/stop", stopped=True)


async def read_messages(office: Office) -> Order:
    await office.done(await receive_stock(office, PROVINCE))
    await office.rests()
    return post("notifications", "/notifications/inbox/read", until=moment())


async def preview_template(_office: Office) -> Order:
    return post("notifications", "/notifications/templates/aid/preview")


async def subscribe(office: Office) -> Order:
    """Subscribe to all that the role tells of anyway, as a member of staff who is known."""
    path = "/notifications/subscriptions"
    found = await office.asked("notifications", path)
    return Order("notifications", "PATCH", path, {"kinds": found["kinds"]}, {"If-Match": f'"{found["version"]}"'})


async def enter_reply(office: Office) -> Order:
    """Let an owner say YES to the only seat that they are offered, by telephone to the office."""
    business = await office.done(await register_business(office))
    await offered(office, business["id"])
    await office.rests()
    return post(
        "notifications", "/notifications/replies",
        owner_id=business["owner_id"], channel="phone", text="ya", told_at=moment(),
    )  # fmt: skip


async def ask_for_code(_office: Office) -> Order:
    """Let somebody ask for a code whose telephone nobody has, and who therefore gets none."""
    return post("notifications", "/notifications/sign-in/codes", phone=f"08340020{next(numbers):04}")


async def ask_for_known_code(office: Office) -> Order:
    """Let an owner ask for a code whom their mail reaches too."""
    number = next(numbers)
    owner = {"name": f"Pemilik {number}", "phone": f"08340040{number:04}", "email": f"kode-{number}@contoh.example"}
    business = {"name": f"Usaha {number}", "sector": "garment", "region": REGION, "owner": owner}
    await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    return post("notifications", "/notifications/sign-in/codes", phone=owner["phone"])


async def show_code(office: Office) -> Order:
    """Let an owner show the code that was sent to their telephone."""
    number = next(numbers)
    phone = f"08340010{number:04}"
    owner = {"name": f"Pemilik {number}", "phone": phone}
    business = {"name": f"Usaha {number}", "sector": "garment", "region": REGION, "owner": owner}
    await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    await office.done(post("notifications", "/notifications/sign-in/codes", phone=phone))
    code = await office.newest_code()
    return post("notifications", "/notifications/sign-in/tokens", phone=phone, code=code)


async def begin_session(office: Office) -> Order:
    """Let an owner show their code on a page, for a session there."""
    shown = await show_code(office)
    return replace(shown, path="/notifications/sign-in/sessions", headers=FROM_A_PAGE)


async def begin_office_session(_office: Office) -> Order:
    """Let the office sign in on a page by the token that every order of it carries."""
    return Order("notifications", "POST", "/notifications/sign-in/sessions/office", headers=FROM_A_PAGE)


async def end_session(office: Office) -> Order:
    """Let somebody who has just signed in on a page be signed out there."""
    return Order("notifications", "POST", "/notifications/sign-in/sessions/end", headers=office.of_a_page())


async def end_registration_session(office: Office) -> Order:
    return Order("registration", "POST", "/registration/sessions/end", headers=office.of_a_page())


async def end_aid_session(office: Office) -> Order:
    return Order("aid_distribution", "POST", "/aid/sessions/end", headers=office.of_a_page())


async def draft_broadcast(office: Office) -> Order:
    """Draft a broadcast to the one owner who has a business of some sector, told not before the day after next."""
    for state in ("running", "paused"):  # only so many may be on their way, and these would be for two days
        for one in (await office.asked("notifications", f"{BROADCASTS}?state={state}"))["items"]:
            await office.done(post("notifications", f"{BROADCASTS}/{one['id']}/cancellation", reason="Selesai"))
    number = next(numbers)
    sector = f"kabar-{number}"
    owner = {"name": f"Pemilik {number}", "email": f"kabar-{number}@contoh.example"}
    business = {"name": f"Usaha {number}", "sector": sector, "region": REGION, "owner": owner}
    await office.done(Order("registration", "POST", "/registration/businesses", business))
    await office.rests()
    return post(
        "notifications", BROADCASTS,
        urgency="invitation", title_id="Kabar", body_id="{owner}: {business}", title_en="News", body_en="{owner}",
        audience={"regions": [REGION], "sectors": [sector]}, expires_at=f"{in_days(3)}T00:00:00Z",
        starts_at=f"{in_days(2)}T00:00:00Z",
    )  # fmt: skip


async def _of_broadcast(office: Office, *steps: str, **body: object) -> Order:
    """Let a broadcast go through some steps, and give the order of the last."""
    path = f"{BROADCASTS}/{(await office.done(await draft_broadcast(office)))['id']}"
    for step in steps[:-1]:
        await office.done(post("notifications", f"{path}/{step}"))
    return post("notifications", f"{path}/{steps[-1]}", **body)


async def submit_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission")


async def broadcast_at_once(office: Office) -> Order:
    """Submit a broadcast of which its one reader is told at once."""
    drafting = await draft_broadcast(office)
    del drafting.body["starts_at"]
    drafted = await office.done(drafting)
    return post("notifications", f"{BROADCASTS}/{drafted['id']}/submission")


async def approve_broadcast(office: Office) -> Order:
    path = await _of_a_colleague(office)
    return post("notifications", f"{path}/approval")


async def reject_broadcast(office: Office) -> Order:
    path = await _of_a_colleague(office)
    return post("notifications", f"{path}/rejection", reason="Salah tanggal")


async def _of_a_colleague(office: Office) -> str:
    """Let a broadcast wait that somebody else has submitted, as one to many; the audience is one all the same."""
    drafted = await office.done(await draft_broadcast(office))
    await office.is_of_a_colleague(drafted["id"])
    return f"{BROADCASTS}/{drafted['id']}"


async def pause_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission", "pause")


async def resume_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission", "pause", "resumption")


async def cancel_broadcast(office: Office) -> Order:
    return await _of_broadcast(office, "submission", "cancellation", reason="Salah tanggal")
