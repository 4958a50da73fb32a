"""The page that `serumpun up` ends with: addresses, a token, and lines to copy that walk the main job."""

from uuid import uuid4

from services.notifications import local_outbox
from services.notifications.delivery.channels.local import nothing_is_sent
from shared.caller import Role
from shared.clock import Clock, shown, wib_day
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.settings import Settings
from shared.tokens import issue_token

REGENCY = ".71"
"""The city of the demo province, Kota Pangkalpinang, whose officer posts the first event."""
TOKEN_HOURS = 24


def province_code(settings: Settings) -> str:
    """Give the region code of the province, with which its folder's name begins."""
    return settings.province.split("-")[0]


def welcome(settings: Settings, host: str) -> str:
    """Write the page; the token is a regency officer's and good for a day."""
    region = province_code(settings) + REGENCY
    token = issue_token(KeyStore(settings.home), Role.REGENCY_OFFICER, [region], f"officer-{region}", TOKEN_HOURS)
    url = f"http://{host}:{settings.port}"
    moment = shown(Clock().now()).isoformat("T", "seconds")
    letters = f"\n  letters         {url}{_letters_path(settings)}" if nothing_is_sent(settings) else ""
    body = (
        f'{{"programme":"free-masks","place":"WH-{region}","occurred_at":"{moment}",'
        '"lines":[{"item":"MASK-CLOTH","quantity":100}],"recipients":{"public":100}}'
    )
    return f"""
Serumpun is running on {url}  (Ctrl-C ends it)

  pages           {url}/   (an office signs in at {url}/masuk-kantor with the token below)
  documentation   {url}/registration/docs   {url}/aid/docs   {url}/notifications/docs
  events          {url}/asyncapi
  condition       {url}/readyz   {url}/metrics{letters}

Post a distribution event, read the stock, read the notification (copy and paste; sending it twice changes nothing):

TOKEN={token}

curl -sS {url}/aid/distributions -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
-H 'Idempotency-Key: {uuid4()}' -d '{body}'; echo

curl -sS '{url}/aid/balances?place=WH-{region}&item=MASK-CLOTH' -H "Authorization: Bearer $TOKEN"; echo

sleep 1; curl -sS {url}/notifications/inbox -H "Authorization: Bearer $TOKEN"; echo

Another token: .venv/bin/serumpun token --role province_staff
"""


def _letters_path(settings: Settings) -> str:
    """Give where one sees what would have been sent, today and tomorrow."""
    keys = KeyStore(settings.home)
    vault = Vault(keys.master, keys.personal)
    return local_outbox.PATH.format(code=local_outbox.code_of(vault, wib_day(Clock().now())))
