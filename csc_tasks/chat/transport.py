"""One request over HTTP, by aiohttp, which is imported when an endpoint is used.

Not by the ``openai`` package: that one spends 3.3 ms of processor time a request, which is 300 requests a second
at most, aiohttp 0.4 ms.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.chat.proxies import proxy_for
from csc_tasks.errors import ChatError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["NoResponse", "Response", "Transport"]


@dataclass(frozen=True, slots=True)
class Response:
    """What a server sent back; ``location`` is where a redirect leads, ``latency`` in seconds."""

    status: int
    text: str
    retry_after: str | None
    location: str | None
    latency: float


class NoResponse(Exception):
    """A request without a whole response.

    ``sent`` says that the server may have heard it, ``final`` that no request can do better, ``hopeless`` that
    another attempt at this one cannot.
    """

    def __init__(self, reason: str, sent: bool = False, final: bool = False, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.final = final
        self.hopeless = hopeless


class Transport:
    """The connections to one endpoint while they are in use (``async with``).

    Raises:
        ChatError: aiohttp is not installed, or the environment's proxy is none.
    """

    def __init__(self, config: EndpointConfig, key: str | None) -> None:
        if find_spec("aiohttp") is None:
            raise ChatError("asking a model at an endpoint needs aiohttp: pip install aiohttp")
        query = f"?{urlencode(config.query)}" if config.query else ""
        self.url = f"{config.base_url}/chat/completions{query}"
        self._config = config
        # Answers are short; what is not compressed cannot unfold to gigabytes either.
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if key and config.api_key_header:
            self._headers[config.api_key_header] = key
        elif key:
            self._headers["Authorization"] = f"Bearer {key}"
        # Read once: aiohttp's own ``trust_env`` reads it, and ``.netrc``, anew for every request in a thread.
        self._proxy = proxy_for(config.base_url)
        self.through = f"through {self._proxy.name}" if self._proxy else ""
        self._most = int(config.max_answer_mb * 1e6)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._config.concurrency),
            # For the whole answer, so that a server which drips byte after byte cannot hold a place for ever.
            timeout=aiohttp.ClientTimeout(total=self._config.timeout),
            headers=self._headers,
            auto_decompress=False,
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
        through = f" ({self.through})" if self._proxy else ""
        try:
            # No redirects: they would carry the key to an address that nobody configured.
            async with self._session.post(
                self.url, data=body, proxy=self._proxy.url if self._proxy else None, allow_redirects=False
            ) as response:
                payload = await self._read(response)
                headers, status = response.headers, response.status
        except aiohttp.ClientSSLError as error:
            raise NoResponse(
                f"{base_url}: its TLS certificate cannot be verified ({type(error).__name__}){through}",
                final=True,
            ) from None
        except aiohttp.InvalidURL as error:
            raise NoResponse(f"{base_url}: no URL ({type(error).__name__})", final=True) from None
        except aiohttp.ClientHttpProxyError as error:
            assert self._proxy is not None
            wants = "; it wants a user and a password" if error.status == 407 else ""
            raise NoResponse(
                f"{self._proxy.name} does not let requests through to {base_url} (HTTP {error.status}){wants}",
                final=error.status == 407,
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise NoResponse(self._unconnected(type(error).__name__)) from None
        except TimeoutError:
            raise NoResponse(
                f"no complete answer within {self._config.timeout:g} s{through}", sent=True
            ) from None
        except (aiohttp.ClientError, OSError, ValueError, zlib.error) as error:
            # Not the error's own text: aiohttp puts the request's headers, and so the key, into some.
            raise NoResponse(f"the connection broke ({type(error).__name__}){through}", sent=True) from None
        text = payload.decode("utf-8", "replace")
        after, location = headers.get("Retry-After"), headers.get("Location")
        return Response(status, text, after, location, monotonic() - start)

    def _unconnected(self, error: str) -> str:
        if self._proxy is None:
            return f"no connection to {self._config.base_url} ({error})"
        return (
            f"no connection to {self._proxy.name}, through which {self._config.base_url} is asked ({error}); correct "
            "or unset the variable, or name the host in NO_PROXY"
        )

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The body of a response, unpacked, as long as it is no longer than it may be."""
        unpack = self._unpacking(response.headers.get("Content-Encoding", "").strip().lower())
        parts, left = [], self._most
        async for part in response.content.iter_any():
            # One byte more than there may be tells that there is more.
            piece = unpack.decompress(part, left + 1) if unpack else part
            parts.append(piece)
            left -= len(piece)
            if left < 0:
                raise NoResponse(
                    f"an answer of more than {self._config.max_answer_mb:g} MB (max_answer_mb)",
                    True,
                    hopeless=True,
                )
        return b"".join(parts)

    @staticmethod
    def _unpacking(encoding: str) -> zlib._Decompress | None:
        if encoding in ("", "identity"):
            return None
        if encoding in ("gzip", "x-gzip", "deflate"):
            return zlib.decompressobj(wbits=47)  # finds out which of the two it is
        raise NoResponse("an answer in an encoding that nobody asked for", sent=True, hopeless=True)
