"""Test Apache httpd configurations over real TLS.

The public names are loaded when first used, so that a project which has the plugin installed and does not use it pays
for this small module only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_modssl.asserts import (
        ModsslAssertionError as ModsslAssertionError,
    )
    from pytest_modssl.asserts import (
        assert_answered_by as assert_answered_by,
    )
    from pytest_modssl.asserts import (
        assert_answers as assert_answers,
    )
    from pytest_modssl.asserts import (
        assert_answers_by_hand as assert_answers_by_hand,
    )
    from pytest_modssl.asserts import (
        assert_backend_received as assert_backend_received,
    )
    from pytest_modssl.asserts import (
        assert_certificate as assert_certificate,
    )
    from pytest_modssl.asserts import (
        assert_chain_complete as assert_chain_complete,
    )
    from pytest_modssl.asserts import (
        assert_ciphers as assert_ciphers,
    )
    from pytest_modssl.asserts import (
        assert_clean_shutdown as assert_clean_shutdown,
    )
    from pytest_modssl.asserts import (
        assert_client_certificate as assert_client_certificate,
    )
    from pytest_modssl.asserts import (
        assert_compression as assert_compression,
    )
    from pytest_modssl.asserts import (
        assert_core_dumped as assert_core_dumped,
    )
    from pytest_modssl.asserts import (
        assert_dh_bits as assert_dh_bits,
    )
    from pytest_modssl.asserts import (
        assert_groups as assert_groups,
    )
    from pytest_modssl.asserts import (
        assert_handshake as assert_handshake,
    )
    from pytest_modssl.asserts import (
        assert_handshake_fails as assert_handshake_fails,
    )
    from pytest_modssl.asserts import (
        assert_handshake_within as assert_handshake_within,
    )
    from pytest_modssl.asserts import (
        assert_java7_compatible as assert_java7_compatible,
    )
    from pytest_modssl.asserts import (
        assert_key_matches as assert_key_matches,
    )
    from pytest_modssl.asserts import (
        assert_listens as assert_listens,
    )
    from pytest_modssl.asserts import (
        assert_never_on_wire as assert_never_on_wire,
    )
    from pytest_modssl.asserts import (
        assert_no_compression as assert_no_compression,
    )
    from pytest_modssl.asserts import (
        assert_no_crash as assert_no_crash,
    )
    from pytest_modssl.asserts import (
        assert_no_redirect_loop as assert_no_redirect_loop,
    )
    from pytest_modssl.asserts import (
        assert_policy as assert_policy,
    )
    from pytest_modssl.asserts import (
        assert_private_keys_protected as assert_private_keys_protected,
    )
    from pytest_modssl.asserts import (
        assert_random_seed as assert_random_seed,
    )
    from pytest_modssl.asserts import (
        assert_runtime_paths as assert_runtime_paths,
    )
    from pytest_modssl.asserts import (
        assert_sessions_resumed as assert_sessions_resumed,
    )
    from pytest_modssl.asserts import (
        assert_sni as assert_sni,
    )
    from pytest_modssl.asserts import (
        assert_srp as assert_srp,
    )
    from pytest_modssl.asserts import (
        assert_srp_refused as assert_srp_refused,
    )
    from pytest_modssl.asserts import (
        assert_ssl_env as assert_ssl_env,
    )
    from pytest_modssl.asserts import (
        assert_stapled as assert_stapled,
    )
    from pytest_modssl.asserts import (
        assert_switches_to_http as assert_switches_to_http,
    )
    from pytest_modssl.asserts import (
        assert_switches_to_https as assert_switches_to_https,
    )
    from pytest_modssl.asserts import (
        assert_unclean_shutdown as assert_unclean_shutdown,
    )
    from pytest_modssl.backends import (
        Answer as Answer,
    )
    from pytest_modssl.backends import (
        BackendAddress as BackendAddress,
    )
    from pytest_modssl.backends import (
        BackendRequest as BackendRequest,
    )
    from pytest_modssl.backends import (
        Backends as Backends,
    )
    from pytest_modssl.capture import (
        Capture as Capture,
    )
    from pytest_modssl.capture import (
        Stream as Stream,
    )
    from pytest_modssl.errors import (
        AnswerError as AnswerError,
    )
    from pytest_modssl.errors import (
        BackendError as BackendError,
    )
    from pytest_modssl.errors import (
        CaptureError as CaptureError,
    )
    from pytest_modssl.errors import (
        ConfigError as ConfigError,
    )
    from pytest_modssl.errors import (
        EnvironmentPageError as EnvironmentPageError,
    )
    from pytest_modssl.errors import (
        HttpdNotFoundError as HttpdNotFoundError,
    )
    from pytest_modssl.errors import (
        IdleSettingWarning as IdleSettingWarning,
    )
    from pytest_modssl.errors import (
        LoadError as LoadError,
    )
    from pytest_modssl.errors import (
        LogLostError as LogLostError,
    )
    from pytest_modssl.errors import (
        MissingModuleError as MissingModuleError,
    )
    from pytest_modssl.errors import (
        ModsslError as ModsslError,
    )
    from pytest_modssl.errors import (
        PolicyError as PolicyError,
    )
    from pytest_modssl.errors import (
        ProgramWarning as ProgramWarning,
    )
    from pytest_modssl.errors import (
        RecordError as RecordError,
    )
    from pytest_modssl.errors import (
        ServerGoneError as ServerGoneError,
    )
    from pytest_modssl.errors import (
        StartError as StartError,
    )
    from pytest_modssl.errors import (
        TlsError as TlsError,
    )
    from pytest_modssl.errors import (
        UnknownHostError as UnknownHostError,
    )
    from pytest_modssl.errors import (
        WaitTimeoutError as WaitTimeoutError,
    )
    from pytest_modssl.fixtures import (
        ServerFactory as ServerFactory,
    )
    from pytest_modssl.fixtures_repo import (
        ClientFor as ClientFor,
    )
    from pytest_modssl.fixtures_repo import (
        RepoFactory as RepoFactory,
    )
    from pytest_modssl.http import (
        Hop as Hop,
    )
    from pytest_modssl.http import (
        RedirectChain as RedirectChain,
    )
    from pytest_modssl.http import (
        SslEnvironment as SslEnvironment,
    )
    from pytest_modssl.httpd.config import (
        ServerConfig as ServerConfig,
    )
    from pytest_modssl.httpd.config import (
        VirtualHost as VirtualHost,
    )
    from pytest_modssl.httpd.errorlog import (
        LogRecord as LogRecord,
    )
    from pytest_modssl.httpd.expectations import (
        expectations as expectations,
    )
    from pytest_modssl.httpd.installation import (
        Installation as Installation,
    )
    from pytest_modssl.httpd.installation import (
        Version as Version,
    )
    from pytest_modssl.httpd.java import (
        java7_settings as java7_settings,
    )
    from pytest_modssl.httpd.requirements import (
        RequirementMaker as RequirementMaker,
    )
    from pytest_modssl.httpd.site import (
        File as File,
    )
    from pytest_modssl.load import (
        LoadComparison as LoadComparison,
    )
    from pytest_modssl.load import (
        LoadReport as LoadReport,
    )
    from pytest_modssl.marker import (
        requires as requires,
    )
    from pytest_modssl.pki import (
        CA as CA,
    )
    from pytest_modssl.pki import (
        CSR as CSR,
    )
    from pytest_modssl.pki import (
        Blob as Blob,
    )
    from pytest_modssl.pki import (
        LeafCert as LeafCert,
    )
    from pytest_modssl.pki import (
        PrivateKey as PrivateKey,
    )
    from pytest_modssl.pki import (
        dh_parameters as dh_parameters,
    )
    from pytest_modssl.pki import (
        generate_key as generate_key,
    )
    from pytest_modssl.pki import (
        srp_verifier as srp_verifier,
    )
    from pytest_modssl.pki import (
        srp_verifier_file as srp_verifier_file,
    )
    from pytest_modssl.pki.responder import (
        OcspResponder as OcspResponder,
    )
    from pytest_modssl.pki.self_signed import (
        self_signed as self_signed,
    )
    from pytest_modssl.policy import (
        Deviation as Deviation,
    )
    from pytest_modssl.policy import (
        PolicyReport as PolicyReport,
    )
    from pytest_modssl.repo.study import (
        Study as Study,
    )
    from pytest_modssl.report.bug import (
        bug_report as bug_report,
    )
    from pytest_modssl.targets.base import (
        Target as Target,
    )
    from pytest_modssl.targets.server import (
        Server as Server,
    )
    from pytest_modssl.tls import (
        Exchange as Exchange,
    )
    from pytest_modssl.tls import (
        Handshake as Handshake,
    )
    from pytest_modssl.tls import (
        ProbeResult as ProbeResult,
    )
    from pytest_modssl.tls import (
        Scan as Scan,
    )
    from pytest_modssl.tls import (
        TlsConnection as TlsConnection,
    )
    from pytest_modssl.tls import (
        Transcript as Transcript,
    )

__version__ = "0.1.0.dev0"

_HOMES = {
    "asserts": (
        "ModsslAssertionError",
        "assert_answered_by",
        "assert_answers",
        "assert_answers_by_hand",
        "assert_backend_received",
        "assert_certificate",
        "assert_chain_complete",
        "assert_ciphers",
        "assert_client_certificate",
        "assert_clean_shutdown",
        "assert_compression",
        "assert_core_dumped",
        "assert_dh_bits",
        "assert_groups",
        "assert_handshake",
        "assert_handshake_fails",
        "assert_handshake_within",
        "assert_java7_compatible",
        "assert_key_matches",
        "assert_listens",
        "assert_never_on_wire",
        "assert_no_compression",
        "assert_no_crash",
        "assert_no_redirect_loop",
        "assert_policy",
        "assert_private_keys_protected",
        "assert_random_seed",
        "assert_runtime_paths",
        "assert_sessions_resumed",
        "assert_sni",
        "assert_srp",
        "assert_srp_refused",
        "assert_ssl_env",
        "assert_stapled",
        "assert_switches_to_http",
        "assert_switches_to_https",
        "assert_unclean_shutdown",
    ),
    "backends": ("Answer", "BackendAddress", "BackendRequest", "Backends"),
    "capture": ("Capture", "Stream"),
    "errors": (
        "AnswerError",
        "BackendError",
        "CaptureError",
        "ConfigError",
        "EnvironmentPageError",
        "HttpdNotFoundError",
        "IdleSettingWarning",
        "LoadError",
        "LogLostError",
        "MissingModuleError",
        "ModsslError",
        "PolicyError",
        "ProgramWarning",
        "RecordError",
        "ServerGoneError",
        "StartError",
        "TlsError",
        "UnknownHostError",
        "WaitTimeoutError",
    ),
    "fixtures": ("ServerFactory",),
    "fixtures_repo": ("ClientFor", "RepoFactory"),
    "http": ("Hop", "RedirectChain", "SslEnvironment"),
    "httpd.config": ("ServerConfig", "VirtualHost"),
    "httpd.errorlog": ("LogRecord",),
    "httpd.expectations": ("expectations",),
    "httpd.installation": ("Installation", "Version"),
    "httpd.java": ("java7_settings",),
    "httpd.requirements": ("RequirementMaker",),
    "httpd.site": ("File",),
    "load": ("LoadComparison", "LoadReport"),
    "marker": ("requires",),
    "pki": (
        "CA",
        "CSR",
        "Blob",
        "LeafCert",
        "PrivateKey",
        "dh_parameters",
        "generate_key",
        "srp_verifier",
        "srp_verifier_file",
    ),
    "pki.responder": ("OcspResponder",),
    "pki.self_signed": ("self_signed",),
    "policy": ("Deviation", "PolicyReport"),
    "report.bug": ("bug_report",),
    "repo.study": ("Study",),
    "targets.base": ("Target",),
    "targets.server": ("Server",),
    "tls": ("Exchange", "Handshake", "ProbeResult", "Scan", "TlsConnection", "Transcript"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604 - type checkers read the imports above


if not TYPE_CHECKING:  # a checker would take every name, also one that is not there

    def __getattr__(name: str) -> Any:
        """A public name, loaded from the module that it lives in."""
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
