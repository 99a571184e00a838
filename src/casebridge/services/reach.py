"""Where vendors may be: the addresses that a connector may lead this service to.

Whoever may add a connector chooses a host that this service then calls. It may be a name whose
address changes between two look-ups. So an address is judged when a connection is opened, and the
connection goes to the very address that was judged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Self

import httpcore
import httpx

from casebridge_core import DestinationNotFound, is_loopback

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[tuple[Address, ...]]]
"""Return the addresses of a host; raises OSError when it has none."""
SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)

LOOPBACK: Final = "localhost"
"""The entry that lets a configuration name this machine itself, as localhost or by number."""

_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


class Reach:
    """The private hosts and networks that vendors may be at; public addresses always may.

    ``plain_http`` are the hosts that may be called without TLS; loopback hosts always may.
    """

    def __init__(
        self,
        names: Iterable[str] = (),
        networks: Iterable[Network] = (),
        plain_http: Iterable[str] = (),
    ) -> None:
        """Take host names in lower case, and networks."""
        self._names = frozenset(names)
        self._networks = tuple(networks)
        self.plain_http = frozenset(plain_http)

    @classmethod
    def of(cls, private: str, plain_http: str = "") -> Self:
        """Read comma-separated host names, addresses and networks, and host names."""
        names, networks = [], []
        for entry in _entries(private):
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                names.append(entry)
        return cls(names, networks, _entries(plain_http))

    def permits(self, host: str, address: Address) -> bool:
        """Tell whether a host that a configuration names may be at an address.

        A public address may hold a private one for a gateway to translate; both have to be allowed.
        """
        host = host.lower()
        if host in self._names or (LOOPBACK in self._names and is_loopback(host)):
            return True
        return all(
            (each.is_global and not each.is_multicast)
            or any(each in network for network in self._networks)
            for each in (address, *_embedded(address))
        )

    def refusal(self, hosts: Iterable[str]) -> str | None:
        """Return why a configuration cannot name these hosts, as far as numbers alone tell."""
        for netloc in hosts:
            host = httpx.URL(f"//{netloc}").host
            try:
                address = ipaddress.ip_address(host)
            except ValueError:
                if is_loopback(host) and LOOPBACK not in self._names and host not in self._names:
                    return _told(host)
                continue
            if not self.permits(host, address):
                return _told(host)
        return None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to permitted addresses only: to those that were judged, not to a name."""

    def __init__(self, reach: Reach, resolve: Resolve | None = None) -> None:
        """Judge by ``reach``; ``resolve`` stands for the system's own resolver."""
        self._reach = reach
        self._resolve = resolve or resolved
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            DestinationNotFound: the host has no address that the settings permit.
            httpcore.ConnectError: it has no address at all, or none answers.
        """
        try:
            addresses = await asyncio.wait_for(self._resolve(host, port), timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"no address for {host} in time") from error
        except OSError as error:
            raise httpcore.ConnectError(f"no address for {host}") from error
        permitted = [address for address in addresses if self._reach.permits(host, address)]
        if not permitted:
            raise DestinationNotFound(_told(host))
        for address in permitted[:-1]:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(
            str(permitted[-1]), port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's own retries."""
        await self._inner.sleep(seconds)


async def resolved(host: str, port: int) -> tuple[Address, ...]:
    """Return the addresses of a host, in the system's order of preference."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


def _entries(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def _embedded(address: Address) -> tuple[Address, ...]:
    """Return the IPv4 addresses to which an IPv6 address leads by translation."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _TRANSLATED:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in found if each is not None)


def _told(host: str) -> str:
    return (
        f"{host} is at a private address, where vendors may not be; if it is meant, name it in"
        " CASEBRIDGE_PRIVATE_HOSTS and restart the service"
    )
