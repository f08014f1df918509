"""The proxy that the environment names, so that a message can say when it is at fault."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from csc_tasks.errors import ChatError

__all__ = ["Proxy", "proxy_for"]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; ``url`` may hold a user and a password, ``name`` never does and says which variable names it."""

    url: str
    name: str


def proxy_for(url: str) -> Proxy | None:
    """The proxy for a URL by ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``; ``None`` for none.

    Raises:
        ChatError: the variable holds no address of an HTTP proxy.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    scheme = next((each for each in (parts.scheme, "all") if proxies.get(each)), None)
    if scheme is None or proxy_bypass(parts.netloc):
        return None
    variable = f"{scheme.upper()}_PROXY"
    address = proxies[scheme] if "://" in proxies[scheme] else f"http://{proxies[scheme]}"
    cure = f"correct or unset it, or name {parts.hostname} in NO_PROXY"
    try:
        found = urlsplit(address)
        host, port = found.hostname, found.port
    except ValueError:
        host = port = None
    if not host or not host.isprintable():
        raise ChatError(f"the environment variable {variable} holds no address of a proxy; {cure}")
    place = f"{found.scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port else "")
    if found.scheme not in ("http", "https"):
        raise ChatError(f"the proxy {place} ({variable}) is no HTTP proxy, and no other can be used; {cure}")
    return Proxy(address, f"the proxy {place} ({variable})")
