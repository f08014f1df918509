"""One request over HTTP, by aiohttp, which is imported when an endpoint is used.

Not by the ``openai`` package: that one spends 3.3 ms of processor time a request, which is 300 requests a second
at most, aiohttp 0.4 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.errors import ChatError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["NoResponse", "Response", "Transport"]


@dataclass(frozen=True, slots=True)
class Response:
    """What a server sent back; ``latency`` in seconds."""

    status: int
    text: str
    retry_after: str | None
    latency: float


class NoResponse(Exception):
    """A request without a whole response.

    ``sent`` says that the server may have heard it, ``final`` that no later attempt can do better.
    """

    def __init__(self, reason: str, sent: bool = False, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.final = final


class Transport:
    """The connections to one endpoint while they are in use (``async with``).

    Raises:
        ChatError: aiohttp is not installed.
    """

    def __init__(self, config: EndpointConfig, key: str | None) -> None:
        if find_spec("aiohttp") is None:
            raise ChatError("asking a model at an endpoint needs aiohttp: pip install aiohttp")
        self.url = f"{config.base_url}/chat/completions"
        self._config = config
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._proxy = _proxy_for(config.base_url)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._config.concurrency),
            # For the whole answer, so that a server which drips byte after byte cannot hold a place for ever.
            timeout=aiohttp.ClientTimeout(total=self._config.timeout),
            headers=self._headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def post(self, body: bytes) -> Response:
        """Send a request and wait for the whole response.

        Raises:
            NoResponse: there is none; the reason never holds the key.
        """
        import aiohttp

        assert self._session is not None
        base_url, start = self._config.base_url, monotonic()
        try:
            # No redirects: they would carry the key to an address that nobody configured.
            async with self._session.post(
                self.url, data=body, proxy=self._proxy, allow_redirects=False
            ) as response:
                payload = await response.read()
                after = response.headers.get("Retry-After")
                status = response.status
        except aiohttp.ClientSSLError as error:
            raise NoResponse(
                f"{base_url}: its TLS certificate cannot be verified ({type(error).__name__})", final=True
            ) from None
        except aiohttp.InvalidURL as error:
            raise NoResponse(f"{base_url}: no URL ({type(error).__name__})", final=True) from None
        except aiohttp.ClientConnectorError as error:
            raise NoResponse(f"no connection to {base_url} ({type(error).__name__})") from None
        except TimeoutError:
            raise NoResponse(f"no complete answer within {self._config.timeout:g} s", sent=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Not the error's own text: aiohttp puts the request's headers, and so the key, into some.
            raise NoResponse(f"the connection broke ({type(error).__name__})", sent=True) from None
        return Response(status, payload.decode("utf-8", "replace"), after, monotonic() - start)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL.

    Read once: aiohttp's own ``trust_env`` reads it, and ``.netrc``, anew for every request in a thread.
    """
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    return None if proxy is None or proxy_bypass(parts.netloc) else proxy
