"""A running server as tests hold it: where it listens, what it logs, and every way of looking at it from outside."""

from __future__ import annotations

import contextlib
import functools
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pytest_modssl import http, tls
from pytest_modssl.errors import ServerGoneError, how_ended
from pytest_modssl.faq import Evidence
from pytest_modssl.load import LoadComparison, load
from pytest_modssl.load.plan import MOST, url_of
from pytest_modssl.targets.base import Prepared
from pytest_modssl.targets.client_files import ClientFiles
from pytest_modssl.targets.crashes import Crashes
from pytest_modssl.targets.log import ServerLog
from pytest_modssl.targets.reach import Reach
from pytest_modssl.targets.sessions import Sessions
from pytest_modssl.targets.start_failure import start_of
from pytest_modssl.tls.commands import sayable
from pytest_modssl.tls.hostname import to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import requests

    from pytest_modssl.capture import Capture, Stream
    from pytest_modssl.errors import Mismatch
    from pytest_modssl.http import FailedRequest, RedirectChain, SslEnvironment, Via
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.crashes import Crash
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.load import LoadReport
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.pki.blob import Blob
    from pytest_modssl.recording import Recording
    from pytest_modssl.targets.base import Instance, Listener
    from pytest_modssl.targets.log import Wanted
    from pytest_modssl.tls import Exchange, Handshake, JvmHandshake, ProbeResult, Scan, SrpLogin, TlsConnection

# Enough to see what led to a failure; a loop of a thousand requests is not shown whole.
_REMEMBERED = 12
# A second look at a port that gave no answer is not to double the time that a test waited for it.
_SECOND_LOOK_SECONDS = 1.0


class Server:
    """A running httpd.

    Attributes:
        config: what it serves.
        installation: the httpd that serves it.
        instance: its processes and files, where it runs.
        log: its error log, as far as the current test goes.
        listen: told of all that is seen of this server, as it is seen; `None` for nobody.
        on_reload: told of each reload, with its seconds; `None` for nobody.
        recording: keeps what its clients send and receive in the current test; `None` keeps nothing.
        seconds_to_start: how long it took until it was ready; 0 where nobody measured.
        observations: what was seen of it in the current test, the latest last.
    """

    def __init__(self, config: Configuration, installation: Installation, instance: Instance) -> None:
        self.config = config
        self.installation = installation
        self.instance = instance
        self.log = ServerLog(instance.folder / "logs" / "error.log")
        self.observations: deque[object] = deque(maxlen=_REMEMBERED)
        self._accepted: list[object] = []
        self._looked_again: list[FailedRequest] = []
        self._repeats: deque[Callable[[], list[str]]] = deque(maxlen=_REMEMBERED)
        self._files = ClientFiles(instance.folder)
        self._sessions = Sessions(self, self._files)
        self._reach = Reach(instance, lambda: self.config)
        self._lost_before = 0
        self._crashes = Crashes(self.log, instance, lambda: self.prepared)
        self._still_open: frozenset[str] | None = None
        self.listen: Listener | None = None
        self.on_reload: Callable[[Server, float], None] | None = None
        self.recording: Recording | None = None
        self.seconds_to_start = 0.0

    def __repr__(self) -> str:
        state = "running" if self.exit_status is None else how_ended(self.exit_status)
        names = ", ".join(self.config.names) or "no virtual host"
        return f"<Server {self.installation.id} for {names}: {state}>"

    # Where it is

    @property
    def trust(self) -> tuple[bytes, ...]:
        """PEM of the roots that a client of this server trusts: those of the CAs that issued its certificates."""
        return self.config.trust

    @property
    def prepared(self) -> Prepared:
        """Its configuration where it runs, for what looks at a configuration."""
        return Prepared(self.config, self.installation, self.instance.rendered)

    @property
    def exit_status(self) -> int | None:
        """Exit status of httpd's parent process, negative for a signal; `None` while it runs."""
        return self.instance.exit_status

    @property
    def used(self) -> bool:
        """Whether the current test has looked at this server."""
        return self._reach.asked or bool(self.observations)

    def address(self, port: int = 443) -> tuple[str, int]:
        """Address and port at which clients reach a port of the configuration; see `capture` for another one meanwhile.

        Raises:
            UnknownHostError: when the configuration does not listen on that port.
        """
        return self._reach.address(port)

    def resolve(self, scheme: str, host: str, port: int) -> tuple[str, int]:
        """Address of a URL's host and port, for names that a virtual host of that port has.

        Raises:
            UnknownHostError: for a name that no virtual host serves, with those that there are.
        """
        return self._reach.resolve(scheme, host, port)

    # TLS

    def connect(self, name: str | None = None, *, port: int = 443, **options: Any) -> TlsConnection:
        """An open TLS connection; options as for `pytest_modssl.tls.connect`, `client=` takes a certificate object."""
        repeat = functools.partial(self.s_client_command, name, port=port, **sayable(options))
        connection = tls.connect(self._reach.at(name, port), name, **self._recorded(options))
        self.note(connection.handshake, repeat=repeat)
        return connection

    def handshake(self, name: str | None = None, *, port: int = 443, **options: Any) -> Handshake:
        """What a TLS handshake showed, whether it succeeded or not.

        Args:
            name: server name to send (SNI) and to verify; `None` sends none.
            port: port of the configuration.
            options: as for `pytest_modssl.tls.handshake`; `client=` takes a certificate object of `pki`.
        """
        repeat = functools.partial(self.s_client_command, name, port=port, **sayable(options))
        result = tls.handshake(self._reach.at(name, port), name, **self._recorded(options))
        self.note(result, repeat=repeat)
        return result

    def speak(self, name: str | None, request: bytes, *, port: int = 443, **options: Any) -> Exchange:
        r"""What comes back for a request spoken by hand over TLS, byte for byte.

        Args:
            name: server name to send (SNI); `None` sends none.
            request: the bytes to send after the handshake, such as `b"GET / HTTP/1.0\r\nHost: ...\r\n\r\n"`.
            port: port of the configuration.
            options: as for `pytest_modssl.tls.connect`; `client=` takes a certificate object.
        """
        said = sayable(options)
        result = tls.speak(self._reach.at(name, port), name, request, **self._recorded(options))
        self.note(result, repeat=lambda: tls.piped(request, self.s_client_command(name, port=port, **said)))
        return result

    def probe(self, name: str | None = None, *, port: int = 443, **options: Any) -> ProbeResult:
        """What the server answers to a ClientHello of one's own; options as for `pytest_modssl.tls.probe`."""
        asked = None if name is None else to_ascii(name)
        result = tls.probe(self._reach.at(name, port), server_name=asked, recording=self.recording, **options)
        self.note(result)
        return result

    def jvm_handshake(self, name: str | None = None, *, port: int = 443, **options: Any) -> JvmHandshake:
        """What a Java virtual machine of this machine makes of it; options as for `pytest_modssl.tls.jvm_handshake`."""
        result = tls.jvm_handshake(self._reach.at(name, port), name, **options)
        self.note(result)
        return result

    def scan(self, name: str | None = None, *, port: int = 443, **options: Any) -> Scan:
        """Every protocol, cipher suite and group that the server accepts; options as for `pytest_modssl.tls.scan`."""
        result = tls.scan(self._reach.at(name, port), None if name is None else to_ascii(name), **options)
        self.note(result)
        return result

    def srp_login(self, name: str | None, user: str, password: str, *, port: int = 443, **options: Any) -> SrpLogin:
        """What comes of a login by TLS-SRP; needs the extra `srp`. Options as for `pytest_modssl.tls.srp_login`."""
        address = self._reach.at(name, port)
        result = tls.srp_login(address, name, user, password, recording=self.recording, **options)
        self.note(result, repeat=None if name is None else functools.partial(self.srp_command, name, user, port=port))
        return result

    def _tls_options(self, options: dict[str, Any]) -> dict[str, Any]:
        client: LeafCert | None = options.pop("client", None)
        if client is not None:
            options["client_certificate"] = (client.cert_file_pem.bytes(), client.private_key.pem.bytes())
        return {"trust": self.trust, **options}

    def _recorded(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"recording": self.recording, **self._tls_options(options)}

    # HTTP

    def session(
        self,
        *,
        client: LeafCert | None = None,
        trust: Sequence[bytes | Blob] | None = None,
        any_name: bool = False,
        **options: Any,
    ) -> requests.Session:
        """A `requests.Session` that reaches this server by its real URLs (`https://www.example.test/`), without DNS.

        Its connections are closed when the test ends. Its cookies stay, where a fixture holds it for several tests.

        Args:
            client: certificate and key to show when the server asks.
            trust: PEM of the roots to trust, instead of those of this server's CAs.
            any_name: reach this server by any name, also one that no virtual host has.
            options: as for `pytest_modssl.http.open_session`.
        """
        return self._sessions.open(client=client, trust=trust, any_name=any_name, **options)

    def get(self, url: str, **options: Any) -> requests.Response:
        """The answer to one GET; redirects are not followed. Options as for `requests.Session.get`."""
        __tracebackhide__ = True
        return self._sessions.own.request("GET", url, **{"allow_redirects": False, **options})

    def redirects(self, url: str, **options: Any) -> RedirectChain:
        """The chain of redirects that begins at `url`; options as for `pytest_modssl.http.follow`."""
        __tracebackhide__ = True
        chain = http.follow(self._sessions.own, url, **options)
        self.note(chain)
        return chain

    def environment(self, url: str, *, via: Via = "cgi", **options: Any) -> SslEnvironment:
        """The `SSL_*` variables that a CGI script, an SSI page or a header expression at `url` sees."""
        __tracebackhide__ = True
        variables = http.read_environment(self._sessions.own, url, via=via, **options)
        self.note(variables)
        return variables

    # Load

    def load(self, url: str, **options: Any) -> LoadReport:
        """What came of many connections at once, within bounds: by default 200 of them, within five seconds.

        Args:
            url: what to ask for on each; its name must be one of the configuration.
            options: as for `pytest_modssl.load.load`: `connections=`, `seconds=`, `workers=`, `requests=`, `resume=`,
                and those of a handshake; `client=` takes a certificate object.
        """
        url = http.wire_url(url)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = self.resolve(parts.scheme, parts.hostname or "", port)
        report = load(url, address, ours={address}, cpu=self.instance.cpu_seconds, **self._tls_options(options))
        for example in report.examples:
            self.note(example)
        self.note(report)
        return report

    def compare_load(self, name: str, *, port: int = 443, http_port: int = 80, **options: Any) -> LoadComparison:
        """What TLS costs: the same load by plain HTTP, with full handshakes, and with sessions resumed.

        Args:
            name: of a virtual host over TLS, and of one without.
            port: that of the one.
            http_port: that of the other.
            options: as for `load`.
        """
        over_tls, plain = url_of("https", name, port), url_of("http", name, http_port)
        bounds = {key: value for key, value in options.items() if key in MOST}
        return LoadComparison(
            {
                "HTTP": self.load(plain, **bounds),
                "full handshakes": self.load(over_tls, resume=False, **options),
                "resumed": self.load(over_tls, resume=True, **options),
            }
        )

    # On the wire

    @contextlib.contextmanager
    def capture(self) -> Iterator[Capture]:
        """A block whose connections are kept byte for byte, of both directions, as they were on the wire.

        Inside, every client reaches the server through a relay on loopback: `address` names that. Connections that
        sessions have kept open are closed before and after it. What was kept is there until the test ends.

        Raises:
            ModsslError: there is such a block already.
        """
        with self._reach.capture() as kept:
            self.hang_up()
            try:
                yield kept
            finally:
                self.hang_up()

    @property
    def captured(self) -> tuple[Stream, ...]:
        """Every connection that was captured since the test began."""
        return self._reach.captured

    def hang_up(self) -> None:
        """Closes the connections that sessions keep open."""
        self._sessions.hang_up()

    # By hand

    @property
    def ca_file(self) -> Path | None:
        """The roots in `trust` as a file (PEM) that is there while this server runs; `None` where there are none."""
        return self._files.roots(self.trust)

    def s_client_command(
        self,
        name: str | None = None,
        *,
        port: int = 443,
        client: LeafCert | None = None,
        trust: Sequence[bytes] | None = None,
        verify: Literal["record", "abort"] = "record",
        **options: Any,
    ) -> list[str]:
        """The `openssl s_client` command line that repeats a handshake by hand while this server runs.

        Args:
            name: server name to send (SNI).
            port: port of the configuration.
            client: certificate to show when the server asks.
            trust: PEM of the roots to trust, instead of those of this server's CAs.
            verify: "abort" ends the handshake where the chain is not trusted.
            options: as for `pytest_modssl.tls.s_client_command`.
        """
        return tls.s_client_command(
            self._reach.listening(self._reach.port(name, port)),
            name,
            verify_abort=verify == "abort",
            **self._files.for_commands(self.trust if trust is None else trust, client),
            **options,
        )

    def curl_command(
        self, url: str, *, client: LeafCert | None = None, follow: bool = False, **options: Any
    ) -> list[str]:
        """The `curl` command line that repeats a request by hand while this server runs.

        Args:
            url: what to ask for.
            client: certificate to show when the server asks.
            follow: redirects are followed, as long as they stay on this server, by whatever name.
            options: as for `pytest_modssl.tls.curl_command`.
        """
        url = http.wire_url(url)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return tls.curl_command(
            url,
            self._reach.listening(self._reach.port(parts.hostname, port)),
            **self._files.for_commands(self.trust, client),
            follow={one: self._reach.listening(one) for one in self.config.ports} if follow else None,
            **options,
        )

    def srp_command(self, name: str, user: str, *, port: int = 443) -> list[str]:
        """The `curl` command line that repeats a login by TLS-SRP, once the password stands in it."""
        return self.curl_command(f"https://{name}:{port}/", srp_user=user, protocol="TLSv1.2")

    def commands(self) -> list[list[str]]:
        """The command lines that repeat what the current test did with this server, each once, in order of the last."""
        latest_first = dict.fromkeys(tuple(repeat()) for repeat in reversed(self._repeats))
        return [list(one) for one in reversed(latest_first)]

    # Life

    def note(self, observation: object, *, repeat: Callable[[], list[str]] | None = None) -> None:
        """Remembers something seen from outside, for the report of a failure.

        Args:
            observation: what was seen; shown as it prints.
            repeat: gives the command line that shows it again.
        """
        self.observations.append(observation)
        if self.recording is not None:
            self.recording.note(observation)
        self._crashes.looked = True
        self.tell(observation)
        if repeat is not None:
            self._repeats.append(repeat)

    def tell(self, observation: object, of: tuple[str, int] | None = None) -> None:
        """Tells whoever listens what was seen, and remembers nothing.

        Args:
            observation: what was seen, or follows from that.
            of: name and port of the virtual host that it is of, where it does not say so itself.
        """
        if self.listen is not None:
            self.listen(self, observation, of)

    def accept(self, observations: Iterable[object]) -> None:
        """Takes note that these observations are as they should be, so that none is evidence of a fault."""
        self._accepted += observations

    def evidence(self, *, mismatches: Sequence[Mismatch] = (), error: BaseException | None = None) -> Evidence:
        """All that is known of this server since the test began, for a diagnosis of its failure.

        After a request that got no answer over TLS, the server is looked at once more: the errors of `requests` do not
        tell what the handshake was like.

        Args:
            mismatches: what an assertion found.
            error: what the test failed with otherwise.
        """
        for failed in [one for one in self.observations if isinstance(one, http.FailedRequest) and one.error is error]:
            if failed not in self._looked_again:
                self._looked_again.append(failed)
                self._look_again(failed.url)
        accepted = {id(one) for one in self._accepted}
        return Evidence(
            installation=self.installation,
            config=self.config,
            rendered=self.instance.rendered,
            start=start_of(self.instance.folder, self.exit_status),
            records=self.log.unaccounted(),
            observations=tuple(one for one in self.observations if id(one) not in accepted),
            mismatches=tuple(mismatches),
            error=error,
            ports=self.ports,
            dump=self.instance.dump,
            crashed=self.crashes,
        )

    @property
    def ports(self) -> dict[tuple[str, int], int]:
        """The port of the configuration by the address at which clients reach it, also through a relay."""
        return self._reach.ports

    def _look_again(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname is not None:
            self.handshake(parts.hostname, port=parts.port or 443, timeout=_SECOND_LOOK_SECONDS)

    def remember_all(self) -> None:
        """From now on `observations` has all that a test has seen, however much it is."""
        self.observations = deque(self.observations)

    def begin_test(self, expected: Sequence[Wanted] = ()) -> None:
        """Starts a test's slice of the log and forgets what was seen before.

        Args:
            expected: what the test brings about on purpose; see `ServerLog.expect`.
        """
        if self.log.late:  # of connections that the teardown may have left open
            self._still_open = self.instance.settle()
        self.log.begin(self._still_open)
        self.log.expect(*expected)
        for kept in (self.observations, self._accepted, self._looked_again, self._repeats):
            kept.clear()
        if self.recording is not None:
            self.recording.clear()
        self._crashes.forget()
        self._lost_before = len(self.instance.lost)
        self._reach.forget()

    def end_test(self) -> None:
        """Closes the sessions of the test and waits until the server has logged what it has to say about them.

        Raises:
            ServerGoneError: when httpd itself has ended meanwhile.
            LogLostError: when its log could not be written.
        """
        if not self.used:
            if self.log.late:  # of a client of the test's own
                self._still_open = self.instance.settle()
                self.log.end()
            return
        self._sessions.end_test()
        self._still_open = self.instance.settle()
        self.log.end()
        self._crashes.end()
        if self.exit_status is not None:
            crashed = self._crashes.under_gdb()
            raise ServerGoneError("\n".join([*self.ended, *([] if crashed is None else [str(crashed)])]))
        self.log.check_room()

    def late_crashes(self) -> tuple[LogRecord, ...]:
        """The log's lines about children that crashed since `end_test`, while the test was torn down."""
        return self._crashes.late()

    @property
    def ended(self) -> tuple[str, ...]:
        """What has ended since the test began, in words: httpd with its last ones, children (see `Instance.lost`)."""
        status, lost = self.exit_status, self.instance.lost[self._lost_before :]
        gone = () if status is None else (f"httpd {how_ended(status)} while a test was using it", self.log.last_words)
        return tuple(one for one in (*gone, *lost) if one)

    def crashes(self) -> tuple[Crash, ...]:
        """Processes of this httpd that a signal ended since the test began, each with core and backtrace if any."""
        return self._crashes.all()

    def reload(self, config: Configuration) -> None:
        """Makes this server serve another configuration on the same ports (SIGHUP), and returns when it does.

        Raises:
            StartError: when httpd refuses it; the server is gone then.
            ConfigError: when the configuration listens on other ports.
        """
        began = time.perf_counter()
        self.instance.reload(config)
        self.config = config
        if self.on_reload is not None:
            self.on_reload(self, time.perf_counter() - began)
        self._sessions.forget_own()  # it trusts the roots of the former configuration

    def stop(self) -> None:
        """Ends the server and removes its files; returns when both are done."""
        self.instance.begin_stop()
        self.instance.finish_stop()
