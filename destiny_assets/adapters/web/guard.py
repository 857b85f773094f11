"""The guard between a request and the network: a name is resolved once, judged, and the judged address is what is called.

A page, a list or a redirect can name any host; without this it could make Destiny read what only this machine may reach
(SSRF). Resolving again after judging would let a name change its mind in between.
"""

import ipaddress
import socket
from collections.abc import Collection
from threading import Lock

import httpx

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateHostError(Exception):
    """A host that is not on the public internet, and was not allowed by name."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is not a public address. If it is meant, allow it by name: --option private_hosts={host}"
        )


class GuardedTransport(httpx.BaseTransport):
    """Sends requests to public addresses, and to private ones whose host was allowed by name. Thread-safe."""

    def __init__(self, private_hosts: Collection[str]) -> None:
        self._private_hosts = frozenset(private_hosts)
        # One pool a host name: a connection to an address is proved for the name it was opened with only.
        self._pools: dict[str, httpx.HTTPTransport] = {}
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve, judge, send. Raises `PrivateHostError`, `httpx.ConnectError` where no address of the name answers."""
        host = request.url.host
        with self._lock:
            pool = self._pools.setdefault(host, httpx.HTTPTransport())
        refused: httpx.ConnectError | None = None
        for address in self._addresses(host, request.url.port or (443 if request.url.scheme == "https" else 80)):
            try:
                return pool.handle_request(_sent_to(address, request))
            except httpx.ConnectError as error:
                refused = error
        raise refused or httpx.ConnectError(f"there is no host {host}")

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"there is no host {host}") from error
        addresses = list(dict.fromkeys(str(place[4][0]) for place in found))
        if host not in self._private_hosts and not all(is_public(address) for address in addresses):
            raise PrivateHostError(host)
        return addresses

    def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            pool.close()


def _sent_to(address: str, request: httpx.Request) -> httpx.Request:
    """The request, to a numbered address; the Host header and the certificate stay those of the name."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # Such an address carries an IPv4 one, which is then the one that is called.
        translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = ip.ipv4_mapped or ip.sixtofour or translated or ip
    return ip.is_global and not ip.is_multicast
