"""What users write, for type checkers alone: `mypy --strict` proves here what the public names take and give.

Nothing of it is run. What must be an error is told by `type: ignore[...]`, which is an error itself where it is not
needed (`warn_unused_ignores`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

import pytest_modssl
from pytest_modssl import (
    CA,
    CSR,
    Answer,
    AnswerError,
    BackendAddress,
    BackendError,
    BackendRequest,
    Backends,
    Blob,
    Capture,
    CaptureError,
    ClientFor,
    ConfigError,
    Deviation,
    EnvironmentPageError,
    Exchange,
    File,
    Handshake,
    Hop,
    HttpdNotFoundError,
    IdleSettingWarning,
    Installation,
    LeafCert,
    LoadComparison,
    LoadError,
    LoadReport,
    LogLostError,
    LogRecord,
    MissingModuleError,
    ModsslAssertionError,
    ModsslError,
    OcspResponder,
    PolicyError,
    PolicyReport,
    PrivateKey,
    ProbeResult,
    ProgramWarning,
    RecordError,
    RedirectChain,
    RepoFactory,
    RequirementMaker,
    Scan,
    Server,
    ServerConfig,
    ServerFactory,
    ServerGoneError,
    SslEnvironment,
    StartError,
    Stream,
    Study,
    Target,
    TlsConnection,
    TlsError,
    Transcript,
    UnknownHostError,
    Version,
    VirtualHost,
    WaitTimeoutError,
    assert_answered_by,
    assert_answers,
    assert_answers_by_hand,
    assert_backend_received,
    assert_certificate,
    assert_chain_complete,
    assert_ciphers,
    assert_clean_shutdown,
    assert_client_certificate,
    assert_compression,
    assert_core_dumped,
    assert_dh_bits,
    assert_groups,
    assert_handshake,
    assert_handshake_fails,
    assert_handshake_within,
    assert_java7_compatible,
    assert_key_matches,
    assert_listens,
    assert_never_on_wire,
    assert_no_compression,
    assert_no_crash,
    assert_no_redirect_loop,
    assert_policy,
    assert_private_keys_protected,
    assert_random_seed,
    assert_runtime_paths,
    assert_sessions_resumed,
    assert_sni,
    assert_srp,
    assert_srp_refused,
    assert_ssl_env,
    assert_stapled,
    assert_switches_to_http,
    assert_switches_to_https,
    assert_unclean_shutdown,
    bug_report,
    dh_parameters,
    expectations,
    generate_key,
    java7_settings,
    requires,
    self_signed,
    srp_verifier,
    srp_verifier_file,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type  # noqa: TC004 - nothing of it is run


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    tls = assert_type(modssl_ca.issue("www.example.test", key_type="rsa-2048"), LeafCert)
    host = VirtualHost("www.example.test", tls=[tls], port=443, aliases=["*.example.test"], directives=Path("www.conf"))
    plain = VirtualHost("www.example.test", files={"a.txt": "text", "b.cgi": Path("b.cgi"), "c": File(b"", True)})
    pki: dict[str, Blob | str | bytes] = {"clients.pem": modssl_ca.cert_pem, "list.crl": modssl_ca.crl(), "note": b""}
    config = ServerConfig(host, plain, directives="SSLProtocol TLSv1.3", pki=pki, folders={"cache": 0o700})
    assert_type(config.virtual_hosts, tuple[VirtualHost, ...])
    return config.extended("KeepAlive off", host="www.example.test")


def wrong_configurations(modssl_ca: CA) -> None:
    VirtualHost(443)  # type: ignore[arg-type]
    VirtualHost("www.example.test", modssl_ca.issue("www.example.test"))  # type: ignore[call-arg]
    VirtualHost("www.example.test", tls="server.pem")  # type: ignore[arg-type]
    VirtualHost("www.example.test", port="443")  # type: ignore[arg-type]
    ServerConfig("SSLProtocol TLSv1.3")  # type: ignore[arg-type]
    ServerConfig(directive="SSLProtocol TLSv1.3")  # type: ignore[call-arg]
    ServerConfig(folders={"cache": "0700"})  # type: ignore[dict-item]
    ServerConfig().mpm = "event"  # type: ignore[misc]
    modssl_ca.issue(names="www.example.test")  # type: ignore[call-arg]
    pytest_modssl.ServerConfiguration()  # type: ignore[attr-defined]


@requires(httpd=">=2.4.27", module=["headers", "http2"], feature="TLSv1.3", mpm="event", target="debian:*")
def test_observations(modssl_server: Server) -> None:
    shaken = assert_type(modssl_server.handshake("www.example.test", protocol="TLSv1.3"), Handshake)
    assert_type(shaken.protocol, str | None)
    assert_type(shaken.names, tuple[str, ...])
    assert_type(shaken.transcript, Transcript)
    assert_type(modssl_server.scan("www.example.test"), Scan)
    assert_type(modssl_server.probe(versions=["TLSv1.2"]), ProbeResult)
    assert_type(modssl_server.speak("www.example.test", b"GET / HTTP/1.0\r\n\r\n"), Exchange)
    assert_type(modssl_server.connect("www.example.test"), TlsConnection)
    assert_type(modssl_server.get("https://www.example.test/"), requests.Response)
    assert_type(modssl_server.redirects("http://www.example.test/"), RedirectChain)
    assert_type(modssl_server.redirects("http://www.example.test/").hops, tuple[Hop, ...])
    environment = assert_type(modssl_server.environment("https://www.example.test/", via="ssi"), SslEnvironment)
    assert_type(environment.number("SSL_CIPHER_USEKEYSIZE"), int)
    assert_type(environment.time("SSL_SERVER_V_END"), dt.datetime)
    assert_type(modssl_server.load("https://www.example.test/"), LoadReport)
    assert_type(modssl_server.compare_load("www.example.test"), LoadComparison)
    with modssl_server.capture() as capture:
        assert_type(capture, Capture)
        assert_type(capture.streams, tuple[Stream, ...])
    assert_type(modssl_server.log.records, tuple[LogRecord, ...])
    assert_type(bug_report(modssl_server), str)


def wrong_observations(modssl_server: Server) -> None:
    modssl_server.handshake(443)  # type: ignore[arg-type]
    modssl_server.handshake("www.example.test", 443)  # type: ignore[call-arg]
    modssl_server.environment("https://www.example.test/", via="php")  # type: ignore[arg-type]
    modssl_server.get(b"https://www.example.test/")  # type: ignore[arg-type]
    modssl_server.handshake().protocol.upper()  # type: ignore[union-attr]
    modssl_server.handshake().protocol = "TLSv1.3"  # type: ignore[misc]
    modssl_server.fetch("https://www.example.test/")  # type: ignore[attr-defined]


def test_assertions(modssl_server: Server, modssl_ca: CA) -> None:
    ada, eve = modssl_ca.issue_client("Ada", emails=["ada@example.test"]), CA().issue_client("Eve")
    assert_type(assert_handshake(modssl_server, "www.example.test", protocol=("TLSv1.2", "TLSv1.3")), Handshake)
    assert_type(assert_handshake(modssl_server, cipher_suite=re.compile("^TLS_"), resumed=False), Handshake)
    assert_type(assert_handshake_fails(modssl_server, "www.example.test", alert="protocol_version"), Handshake)
    assert_type(assert_ciphers(modssl_server, never=["aNULL", "3DES"]), Scan)
    assert_type(assert_groups(modssl_server, accepts=["x25519"]), Scan)
    report = assert_type(assert_policy(modssl_server, "intermediate", except_for=["protocol"]), PolicyReport)
    assert_type(report.deviations, tuple[Deviation, ...])
    assert_type(assert_switches_to_https(modssl_server, "http://www.example.test/", status={301, 308}), RedirectChain)
    assert_type(assert_no_redirect_loop(modssl_server, "http://www.example.test/", limit=3), RedirectChain)
    assert_type(assert_sni(modssl_server, {"a.example.test": "b.example.test"}), dict[str | None, Handshake])
    assert_type(assert_ssl_env(modssl_server, "https://a.example.test/", SSL_PROTOCOL="TLSv1.3"), SslEnvironment)
    assert_type(assert_stapled(modssl_server, "www.example.test", status="good"), Handshake)
    assert_type(assert_sessions_resumed(modssl_server, "www.example.test", rate=0.9), LoadReport)
    url = "https://www.example.test/"
    assert_type(assert_client_certificate(modssl_server, url, client=ada, refused=[eve], SSL_A="b"), Exchange)


def test_more_assertions(modssl_server: Server) -> None:
    name, url = "www.example.test", "https://www.example.test/"
    assert_type(assert_answered_by(modssl_server, name, sni=None, by=421), requests.Response)
    assert_type(assert_answers(modssl_server, url, status=200), requests.Response)
    assert_type(assert_answers_by_hand(modssl_server, name, b"GET / HTTP/1.0\r\n\r\n"), Exchange)
    assert_type(assert_certificate(modssl_server, name, remaining=dt.timedelta(days=30)), Handshake)
    assert_type(assert_chain_complete(modssl_server, name), Handshake)
    assert_type(assert_clean_shutdown(modssl_server, url), Exchange)
    assert_type(assert_unclean_shutdown(modssl_server, url, user_agent="MSIE 5"), Exchange)
    assert_type(assert_compression(modssl_server, name), ProbeResult)
    assert_type(assert_no_compression(modssl_server, name), tuple[ProbeResult, ...])
    assert_type(assert_dh_bits(modssl_server, name, 2048), ProbeResult)
    assert_type(assert_handshake_within(modssl_server, name, seconds=1), Handshake)
    assert_type(assert_java7_compatible(modssl_server, name, jvm=False), ProbeResult)
    assert_type(assert_switches_to_http(modssl_server, url), RedirectChain)
    assert_type(assert_private_keys_protected(modssl_server), tuple[str, ...])
    assert_type(assert_srp(modssl_server, name, "ada", "open sesame").ok, bool)
    assert_type(assert_srp_refused(modssl_server, name, "ada", "wrong").ok, bool)
    assert_type(len(assert_core_dumped(modssl_server)), int)
    assert_listens(modssl_server)
    assert_never_on_wire(modssl_server, "open sesame", b"\0")
    assert_no_crash(modssl_server)
    assert_random_seed(modssl_server)
    assert_runtime_paths(modssl_server)


def wrong_assertions(modssl_server: Server, modssl_ca: CA) -> None:
    assert_handshake("www.example.test")  # type: ignore[arg-type]
    assert_handshake(modssl_server, "www.example.test", "TLSv1.3")  # type: ignore[arg-type, call-arg]
    assert_handshake(modssl_server, resumed="yes")  # type: ignore[arg-type]
    assert_policy(modssl_server, except_for=["colour"])  # type: ignore[list-item]
    assert_client_certificate(modssl_server, "https://www.example.test/")  # type: ignore[call-arg]
    assert_client_certificate(modssl_server, "https://a.example.test/", client=modssl_ca)  # type: ignore[arg-type]
    requires(apache=">=2.4")  # type: ignore[call-arg]


def test_certificates(tmp_path: Path) -> None:
    key = assert_type(generate_key("ec-p256"), PrivateKey)
    request = assert_type(CSR.create(key, "www.example.test"), CSR)
    ca = CA(common_name="Example root").intermediate()
    leaf = assert_type(ca.sign(request), LeafCert)
    assert_type(self_signed("www.example.test"), LeafCert)
    assert_type(leaf.cert_pem.write_to_path(tmp_path / "server.pem"), Path)
    assert_type(leaf.without_chain().with_pass_phrase("open sesame").key_file_pem, Blob)
    assert_key_matches(key, leaf, request)
    assert_type(dh_parameters("ffdhe2048"), Blob)
    assert_type(srp_verifier_file(srp_verifier("ada", "open sesame")), Blob)
    with OcspResponder(ca) as responder:
        assert_type(responder.url, str)
    key.pass_phrase = ""  # type: ignore[misc]
    ca.revoke("www.example.test")  # type: ignore[arg-type]


def test_back_ends(modssl_repo: Server, modssl_backends: Backends) -> None:
    with modssl_backends.answering(Answer(503)), modssl_backends.answering(lambda request: Answer(body=request.path)):
        assert_type(modssl_backends.requests, tuple[BackendRequest, ...])
    seen = assert_backend_received(modssl_repo, modssl_backends, BackendAddress.parse("http://app.internal:8080"))
    assert_type(seen, BackendRequest)
    assert_type(seen.variables, Mapping[str, str])
    modssl_backends.answering(503)  # type: ignore[arg-type]


def test_fixtures(
    modssl_target: Target,
    modssl_server_factory: ServerFactory,
    modssl_requires: RequirementMaker,
    modssl_repo_factory: RepoFactory,
    modssl_repo_client: ClientFor,
    modssl_repo_study: Study,
) -> None:
    modssl_requires(httpd=">=2.4.60")
    modssl_requires(apache=">=2.4.60")  # type: ignore[call-arg]
    assert_type(modssl_server_factory(ServerConfig(), fresh=True), Server)
    modssl_server_factory("SSLEngine on")  # type: ignore[arg-type]
    assert_type(modssl_repo_factory("conf/httpd.conf"), Server)
    assert_type(modssl_repo_client("staff.example.com", port=8443), LeafCert)
    assert_type([host.name for host in modssl_repo_study.hosts], list[str])
    installation = assert_type(modssl_target.installation, Installation)
    assert_type(installation.version, Version)
    assert_type(installation.openssl, Version | None)
    assert_type(expectations(installation).value("group all"), str | int)
    assert_type(java7_settings(installation).directives, str)


def what_fails(modssl_server: Server) -> Sequence[str]:
    try:
        assert_handshake(modssl_server)
    except ModsslAssertionError as failed:
        return [one.expected for one in failed.mismatches]
    except StartError as refused:
        return [refused.configuration]
    except ModsslError as error:
        return [str(error)]
    return ()


ERRORS: list[type[ModsslError]] = [
    AnswerError,
    BackendError,
    CaptureError,
    ConfigError,
    EnvironmentPageError,
    HttpdNotFoundError,
    LoadError,
    LogLostError,
    MissingModuleError,
    PolicyError,
    RecordError,
    ServerGoneError,
    TlsError,
    UnknownHostError,
    WaitTimeoutError,
    ModsslAssertionError,  # type: ignore[list-item]  # as every assertion that fails, it is an AssertionError
]
WARNINGS: list[type[Warning]] = [IdleSettingWarning, ProgramWarning]
