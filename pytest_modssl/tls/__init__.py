"""TLS as seen from the client's side: whole connections, single hellos, scans, and the records beneath them."""

from __future__ import annotations

from pytest_modssl.tls.client import TlsConnection, connect, handshake
from pytest_modssl.tls.commands import curl_command, s_client_command, shell_line
from pytest_modssl.tls.context import ConnectOptions
from pytest_modssl.tls.demand import CertificateDemand
from pytest_modssl.tls.exchange import Exchange, piped, speak
from pytest_modssl.tls.handshake import Failure, Handshake, Session, Stage, Verification
from pytest_modssl.tls.hello import HelloOptions, client_hello
from pytest_modssl.tls.jvm import JvmHandshake, jvm_handshake
from pytest_modssl.tls.messages import Alert
from pytest_modssl.tls.probe import ProbeResult, probe
from pytest_modssl.tls.scan import Scan, scan
from pytest_modssl.tls.srp import SrpLogin, srp_login
from pytest_modssl.tls.stapling import Stapled
from pytest_modssl.tls.suites import CipherSuite
from pytest_modssl.tls.transcript import Entry, Transcript

__all__ = [
    "Alert",
    "CertificateDemand",
    "CipherSuite",
    "ConnectOptions",
    "Entry",
    "Exchange",
    "Failure",
    "Handshake",
    "HelloOptions",
    "JvmHandshake",
    "ProbeResult",
    "Scan",
    "Session",
    "SrpLogin",
    "Stage",
    "Stapled",
    "TlsConnection",
    "Transcript",
    "Verification",
    "client_hello",
    "connect",
    "curl_command",
    "handshake",
    "jvm_handshake",
    "piped",
    "probe",
    "s_client_command",
    "scan",
    "shell_line",
    "speak",
    "srp_login",
]
