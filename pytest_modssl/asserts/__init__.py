"""Assertions about a server: each collects every mismatch, then raises them once, the decisive part first."""

from __future__ import annotations

from pytest_modssl.asserts.answers import assert_answers, assert_answers_by_hand
from pytest_modssl.asserts.backends import assert_backend_received
from pytest_modssl.asserts.certificate import assert_certificate, assert_chain_complete
from pytest_modssl.asserts.ciphers import assert_ciphers, assert_groups
from pytest_modssl.asserts.client_certificate import assert_client_certificate
from pytest_modssl.asserts.compression import assert_compression, assert_no_compression
from pytest_modssl.asserts.crashes import assert_core_dumped, assert_no_crash
from pytest_modssl.asserts.dh import assert_dh_bits
from pytest_modssl.asserts.environment import assert_ssl_env
from pytest_modssl.asserts.handshake import assert_handshake, assert_handshake_fails
from pytest_modssl.asserts.hosts import assert_answered_by
from pytest_modssl.asserts.java import assert_java7_compatible
from pytest_modssl.asserts.keys import assert_key_matches, assert_private_keys_protected
from pytest_modssl.asserts.load import assert_handshake_within, assert_sessions_resumed
from pytest_modssl.asserts.place import assert_listens, assert_random_seed, assert_runtime_paths
from pytest_modssl.asserts.policy import assert_policy
from pytest_modssl.asserts.shutdown import assert_clean_shutdown, assert_unclean_shutdown
from pytest_modssl.asserts.sni import Served, assert_sni
from pytest_modssl.asserts.srp import assert_srp, assert_srp_refused
from pytest_modssl.asserts.stapling import assert_stapled
from pytest_modssl.asserts.switching import assert_no_redirect_loop, assert_switches_to_http, assert_switches_to_https
from pytest_modssl.asserts.wire import assert_never_on_wire
from pytest_modssl.errors import Mismatch, ModsslAssertionError

__all__ = [
    "Mismatch",
    "ModsslAssertionError",
    "Served",
    "assert_answered_by",
    "assert_answers",
    "assert_answers_by_hand",
    "assert_backend_received",
    "assert_certificate",
    "assert_chain_complete",
    "assert_ciphers",
    "assert_clean_shutdown",
    "assert_client_certificate",
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
]
