"""What has been seen of one server so far: each thing is looked at once, and serves every check that is about it.

One connection for each name gives handshake, certificates, the answer for `/` and the host that gave it. Hosts of a
port with equal settings share one scan. The lines that httpd logs of a client are kept where something was wrong.
"""

from __future__ import annotations

import functools
import hashlib
import http.client
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from requests.cookies import RequestsCookieJar

from pytest_modssl.errors import AnswerError, ModsslError, TlsError, UnknownHostError, WaitTimeoutError
from pytest_modssl.faq import Place
from pytest_modssl.http import RedirectChain, follow, responses_in
from pytest_modssl.http.plain import speak_plain
from pytest_modssl.http.redirects import REDIRECT_STATUSES
from pytest_modssl.httpd.errorlog import LogCursor
from pytest_modssl.httpd.render import ACCESS_LOG
from pytest_modssl.policy import Presented, presented
from pytest_modssl.tls import Scan
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import requests

    from pytest_modssl.faq import Evidence
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.repo.checks.hosts import Hosts
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.made import Substitution
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import Handshake

_AGENT = "pytest-modssl"
# Numbers of clients, each given once: a server that is kept has lines of all who looked at it before.
_NUMBERS = count(1)
# The end of a line of the access log (`ACCESS_FORMAT`): the host that answered, and whom.
_LOGGED = re.compile(rf' (?P<host>\S*):\d+ \S+ "{_AGENT} \((?P<number>\d+)\)"$')
# A line comes when the answer has been sent; out of a container by way of its engine.
_LOGGED_SECONDS = 2.0
_DH = re.compile(rb"-----BEGIN DH PARAMETERS-----.*?-----END", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a client saw that came to a name, shook hands where that is TLS, and asked for a page.

    Attributes:
        url: what it asked for.
        number: which client it was, for the access log.
        handshake: `None` by plain HTTP.
        response: `None` without an answer.
        error: why there is none.
        records: what httpd logged of it, where something was wrong.
    """

    url: str
    number: int
    handshake: Handshake | None = None
    response: requests.Response | None = None
    error: str = ""
    records: tuple[LogRecord, ...] = field(default=(), repr=False)

    @property
    def observations(self) -> list[object]:
        """What a diagnosis looks at."""
        return [one for one in (self.handshake, self.response) if one is not None]

    def commands(self, server: Server, client: LeafCert | None) -> list[list[str]]:
        """The command line that does the same by hand; none where nothing listens."""
        try:
            return [server.curl_command(self.url, client=client)]
        except UnknownHostError:
            return []


class Observed:
    """A running server and what has been seen of it.

    Args:
        server: the server.
        hosts: its virtual hosts.
        client_for: gives what the clients of a host show that demands a certificate, if they have one.
    """

    def __init__(
        self,
        server: Server,
        hosts: Hosts,
        client_for: Callable[[RepoHost], LeafCert | None] = lambda _: None,
        assumed: Sequence[Substitution] = (),
    ) -> None:
        self.assumed = assumed
        self.server = server
        self.hosts = hosts
        self._client_for = client_for
        self._arrivals: dict[tuple[str, int], Arrival] = {}
        self._scans: dict[object, Scan | ModsslError] = {}
        self._presented: dict[RepoHost, tuple[Presented, ...]] = {}
        self._chains: dict[str, RedirectChain] = {}
        self._access = LogCursor(server.instance.folder / ACCESS_LOG)
        self._answered: dict[int, str] = {}

    # Clients

    def client(self, host: RepoHost | None) -> LeafCert | None:
        """What the clients of a host show, where it demands a certificate."""
        return self._client_for(host) if host is not None and host.demands_certificate else None

    def arrival(self, host: RepoHost, name: str, path: str = "/") -> Arrival:
        """What a client sees that comes to a host by a name."""
        url = f"{host.url_of(name)}{path[1:]}"
        key = (url, host.reached)
        if key not in self._arrivals:
            self._arrivals[key] = self._arrive(url, host, name, path)
        return self._arrivals[key]

    def plain_on_tls(self, host: RepoHost) -> Arrival:
        """What a client gets that speaks plain HTTP to a TLS port."""
        key = (f"http://{host.name}:{host.port}/", host.reached)
        if key not in self._arrivals:
            self._arrivals[key] = self._ask_plainly(key[0], host, "/")
        return self._arrivals[key]

    def _arrive(self, url: str, host: RepoHost, name: str, path: str) -> Arrival:
        if not host.tls:
            return self._ask_plainly(url, host, path)
        number, request = self._request(url, path)
        try:
            seen = self.server.speak(name, request, port=host.reached, client=self.client(host))
        except UnknownHostError as error:
            return self._noted(url, number, b"", str(error), None)
        return self._noted(url, number, seen.reply, seen.error, seen.handshake)

    def _ask_plainly(self, url: str, host: RepoHost, path: str) -> Arrival:
        number, request = self._request(url, path)
        reply, error = b"", ""
        try:
            address = self.server.address(host.reached)
            reply = speak_plain(address, request, recording=self.server.recording, name=host.name)
        except (OSError, AnswerError, UnknownHostError) as caught:
            error = str(caught) or type(caught).__name__
        return self._noted(url, number, reply, error, None)

    def _request(self, url: str, path: str) -> tuple[int, bytes]:
        """The number of the next client, and what it asks."""
        self.server.log.begin()
        number = next(_NUMBERS)
        fields = {
            "Host": urlsplit(url).netloc,
            "User-Agent": f"{_AGENT} ({number})",
            "Accept": "*/*",
            "Connection": "close",
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return number, "\r\n".join(lines).encode("ascii")

    def _noted(self, url: str, number: int, reply: bytes, error: str, handshake: Handshake | None) -> Arrival:
        response = None
        if not error:
            try:
                response = responses_in(reply, url)[0]
            except http.client.HTTPException as caught:
                error = (
                    f"{str(caught) or type(caught).__name__}: {reply[:60]!r}" if reply else "the server sent nothing"
                )
        if response is not None:
            self.server.tell(response)
        wrong = response is None or response.status_code >= 500
        return Arrival(
            url=url,
            number=number,
            handshake=handshake,
            response=response,
            error=error.partition("\n")[0],
            records=self._logged() if wrong else (),
        )

    def _logged(self) -> tuple[LogRecord, ...]:
        self.server.instance.settle()
        return self.server.log.records

    def answered_by(self, arrival: Arrival) -> str | None:
        """ServerName of the virtual host that answered a client; `None` where httpd does not tell."""

        def told() -> bool:
            for record in self._access.read():
                if line := _LOGGED.search(record.raw):
                    self._answered[int(line["number"])] = line["host"]
            return arrival.number in self._answered

        try:
            until(told, seconds=_LOGGED_SECONDS, what="")
        except WaitTimeoutError:
            return None
        return self._answered[arrival.number]

    # Redirects

    def chain(self, url: str) -> RedirectChain:
        """The redirects from a URL on, up to an answer or to what no virtual host of the configuration serves."""
        if url not in self._chains:
            chain = follow(_Remembered(self), url)
            # Who sends a cookie may expect it back; what is remembered was asked without.
            if chain.loop and any(self._sets_cookie(hop.url) for hop in chain.hops):
                with self.server.session(client=self.client(self.hosts.at(url))) as session:
                    chain = follow(session, url)
            self._chains[url] = chain
            self.server.tell(chain)
        return self._chains[url]

    def _sets_cookie(self, url: str) -> bool:
        host = self.hosts.at(url)
        response = None if host is None else self.page(url).response
        return response is not None and "Set-Cookie" in response.headers

    def page(self, url: str) -> Arrival:
        """What a client sees that asks for a URL.

        Raises:
            UnknownHostError: no virtual host of the configuration serves it.
        """
        host, parts = self.hosts.at(url), urlsplit(url)
        if host is None or host.tls is not (parts.scheme == "https"):
            raise UnknownHostError(f"no virtual host of this configuration serves {url}")
        return self.arrival(
            host, parts.hostname or "", parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        )

    def leads_out(self, chain: RedirectChain) -> bool:
        """Whether redirects end at what this configuration does not serve."""
        return chain.status is None and bool(chain.hops) and self.hosts.at(chain.url) is None

    # TLS

    def scan(self, host: RepoHost) -> Scan | ModsslError:
        """All that the host's port accepts from clients that ask for it; why it cannot be scanned, where it cannot."""
        key = self._scanned(host)
        if key not in self._scans:
            # The port of a container may take connections for which nothing listens inside.
            if host.reached not in self.server.config.listen:
                return UnknownHostError(f"no Listen of this configuration is for {host.name} and its port {host.port}")
            try:
                self._scans[key] = self.server.scan(host.name, port=host.reached)
            except (TlsError, UnknownHostError) as error:
                self._scans[key] = error
        found = self._scans[key]
        if isinstance(found, Scan):
            self.server.tell(found, (host.name, host.reached))  # also where it asked for another host
        return found

    def _scanned(self, host: RepoHost) -> tuple[object, ...]:
        """What hosts have in common that share a scan.

        The port, as the groups are those of its first host; settings; of the certificates what a scan shows: kinds and
        sizes of keys, and the parameters in the first file.
        """
        kinds = [
            (type(one.certificate.public_key()), getattr(one.certificate.public_key(), "key_size", 0))
            for one in self.presented(host)
        ]
        return (host.reached, host.settings, *kinds, self._dh.get(host.key, b""))

    def presented(self, host: RepoHost) -> tuple[Presented, ...]:
        """Every certificate that the host presents."""
        if host not in self._presented:
            seen = self.arrival(host, host.name).handshake
            found: tuple[Presented, ...] = ()
            if self._certificates[host.key] > 1:
                client = self.client(host)
                shake = functools.partial(self.server.handshake, host.name, port=host.reached, client=client)
                found = tuple(presented(shake))
            elif seen is not None and seen.leaf is not None:
                found = (Presented(certificate=seen.leaf, stapled=False),)
            self._presented[host] = found
        return self._presented[host]

    @cached_property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """The roots that clients of this server trust."""
        return tuple(one for pem in self.server.trust for one in x509.load_pem_x509_certificates(pem))

    # What is known without another look

    def protocols(self, host: RepoHost) -> tuple[str, ...]:
        """What the host accepts, where a scan was made; else nothing."""
        found = self._scans.get(self._scanned(host)) if host in self._presented else None
        return found.protocols if isinstance(found, Scan) else ()

    def certificate_end(self, host: RepoHost) -> float | None:
        """When the certificate ends that the host has shown, in seconds since 1970; `None` for one made for the run."""
        arrival = self._arrivals.get((host.url, host.reached))
        leaf = None if arrival is None or arrival.handshake is None else arrival.handshake.leaf
        # One that is re-issued with another key says what that of the repository says; any other is as new as its CA.
        if leaf is None or any(leaf.not_valid_before_utc >= root.not_valid_before_utc for root in self.roots):
            return None
        return leaf.not_valid_after_utc.timestamp()

    # Configuration

    @cached_property
    def evidence(self) -> Evidence:
        """What is known of the server from its start on; what is configured is asked once."""
        return self.server.evidence()

    def begin(self, host: RepoHost) -> Place:
        """Where a virtual host begins in the user's files."""
        return Place(host.origin, f"the virtual host {host.name}:{host.port}")

    @cached_property
    def _certificates(self) -> Counter[str]:
        """How many certificates each host has."""
        return Counter(one.host for one in self.evidence.directives if one.name.lower() == "sslcertificatefile")

    @cached_property
    def _dh(self) -> dict[str, bytes]:
        """The Diffie-Hellman parameters in the certificate file of each host that has some there, as a digest."""
        found: dict[str, bytes] = {}
        for one in self.evidence.directives:
            if one.name.lower() == "sslcertificatefile" and one.words:
                content = self.evidence.written(one.words[0])
                if content is not None and (block := _DH.search(content[0])):
                    found.setdefault(one.host, hashlib.sha256(block[0]).digest())
        return found


@dataclass(frozen=True)
class _Remembered:
    """What `follow` asks instead of a session: pages that were asked for before are not asked for again."""

    observed: Observed
    cookies: RequestsCookieJar = field(default_factory=RequestsCookieJar)

    def request(self, *asked: str, **_options: object) -> requests.Response:
        _method, url = asked
        seen = self.observed.page(url)
        if seen.response is None:
            raise ModsslError(seen.error)
        return seen.response


def is_redirect(response: requests.Response | None) -> bool:
    """Whether an answer sends its client elsewhere."""
    return response is not None and response.status_code in REDIRECT_STATUSES
