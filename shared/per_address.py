"""How often one address may ask what is open to everybody, kept in memory and nowhere else.

Each process counts for itself, so that several copies together let through so many times more: it is a guard against
who asks all day long, and no accounting. Nothing is written down about who asks, and what was is forgotten when it
counts no more.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

MINUTE = timedelta(minutes=1)
ADDRESSES_MAX = 20_000
"""So many are remembered; of more the one that asked longest ago is forgotten."""

HOME_BITS = 64
"""One household has so long a prefix of IPv6 to itself, and as many addresses in it as it likes."""


@dataclass(slots=True)
class AskedByAddress:
    """Lets each address ask so many times a minute, all at once or spread over it."""

    per_minute: int
    addresses_max: int = ADDRESSES_MAX
    _free_at: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def wait_seconds(self, address: str, now: datetime) -> int:
        """Count one question; gives 0, or, where it is one too many, after how many seconds the next is answered.

        Each question takes a minute's share of time, and the time that is taken may reach one minute ahead.
        """
        one = _household(address)
        share = MINUTE / self.per_minute
        free_at = max(self._free_at.pop(one, now), now) + share
        taken = free_at - now > MINUTE
        self._free_at[one] = free_at - share if taken else free_at
        self._forget(now)
        return max(1, -((now + MINUTE - free_at) // timedelta(seconds=1))) if taken else 0

    def _forget(self, now: datetime) -> None:
        while self._free_at:
            address, free_at = next(iter(self._free_at.items()))
            if free_at > now and len(self._free_at) <= self.addresses_max:
                return
            del self._free_at[address]


def _household(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return address
    return str(ip_network((known, HOME_BITS), strict=False))
