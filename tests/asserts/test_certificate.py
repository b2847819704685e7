"""Certificates and chains on a real server: what is fit passes, and each fault is named."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    CA,
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_answers,
    assert_certificate,
    assert_chain_complete,
    self_signed,
)
from pytest_modssl.pki.certificate import Profile, certify

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.pki import LeafCert

NAME = "www.example.test"


def mismatches(action: Callable[[], object]) -> list[str]:
    with pytest.raises(ModsslAssertionError) as caught:
        action()
    return [str(one) for one in caught.value.mismatches]


def chain_faults(factory: ServerFactory, leaf: LeafCert) -> list[str]:
    server = factory(ServerConfig(VirtualHost(NAME, tls=leaf)))
    return mismatches(lambda: assert_chain_complete(server, NAME))


def test_a_chain_that_is_whole_and_in_order_is_complete(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    leaf = modssl_ca.intermediate().intermediate().issue(NAME)
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaf)))
    assert len(assert_chain_complete(server, NAME).certificates) == 3


def test_the_issuer_that_is_missing_is_named(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    leaf = modssl_ca.intermediate(common_name="upper").intermediate(common_name="lower").issue(NAME)
    assert chain_faults(modssl_server_factory, leaf.without_chain()) == [
        "chain: issuer: expected the certificate of CN=lower, seen none of that name, sent or trusted, that issued it"
    ]
    (fault,) = chain_faults(modssl_server_factory, leaf.with_chain(leaf.chain[0]))
    assert fault.startswith("chain: issuer: expected the certificate of CN=upper,")


def test_a_chain_in_the_wrong_order_is_told_with_the_right_one(
    modssl_server_factory: ServerFactory, modssl_ca: CA
) -> None:
    leaf = modssl_ca.intermediate(common_name="upper").intermediate(common_name="lower").issue(NAME)
    assert chain_faults(modssl_server_factory, leaf.with_chain(*reversed(leaf.chain))) == [
        f"chain: order: expected CN={NAME} then CN=lower then CN=upper, seen CN={NAME} then CN=upper then CN=lower"
    ]


def test_superfluous_certificates_are_named(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    leaf = modssl_ca.intermediate(common_name="lower").issue(NAME)
    stranger = modssl_ca.intermediate(common_name="stranger").certificate
    root = modssl_ca.root.certificate
    faults = chain_faults(modssl_server_factory, leaf.with_chain(*leaf.chain, *leaf.chain, stranger, root))
    assert [one.partition(", seen ")[2] for one in faults] == [
        "CN=lower again",
        "CN=stranger, a certificate that issued none of the others",
        "CN=pytest-modssl test root, the root, which clients have",
    ]
    assert all(one.startswith("chain: superfluous: expected ") for one in faults)


def test_a_self_signed_certificate_that_is_trusted_is_a_complete_chain(modssl_server_factory: ServerFactory) -> None:
    leaf = self_signed(NAME)
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaf)))
    assert_chain_complete(server, NAME, trust=[leaf.cert_pem.bytes()])
    (fault,) = mismatches(lambda: assert_chain_complete(server, NAME))
    assert fault.startswith(f"chain: issuer: expected the certificate of CN={NAME},")


def test_a_port_without_tls_has_no_chain(modssl_server_factory: ServerFactory) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME)))
    for action in (assert_chain_complete, assert_certificate):
        (fault,) = mismatches(lambda action=action: action(server, NAME, port=80))  # type: ignore[misc]
        assert fault.startswith("handshake: expected a certificate, seen none (not_tls): ")


def test_a_certificate_is_fit_until_its_end_is_near(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME))))
    assert assert_certificate(server, NAME, remaining=dt.timedelta(days=20)).ok
    (fault,) = mismatches(lambda: assert_certificate(server, NAME, remaining=dt.timedelta(days=40)))
    assert fault.startswith("certificate: validity: expected an end after ")


def test_everything_that_is_unfit_is_told_at_once(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    tomorrow = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1)
    leaf = modssl_ca.issue("other.example.test", ca=True, not_before=tomorrow, usages=["clientAuth"])
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaf)))
    assert [one.partition(", seen ")[0] for one in mismatches(lambda: assert_certificate(server, NAME))] == [
        "certificate: validity: expected a start in the past",
        f"certificate: names: expected {NAME}",
        "certificate: basicConstraints: expected CA:FALSE",
        "certificate: extendedKeyUsage: expected serverAuth (1.3.6.1.5.5.7.3.1)",
    ]


def test_an_answer_is_judged_by_its_status_and_a_missing_one_told(
    modssl_server_factory: ServerFactory, modssl_ca: CA
) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME)), VirtualHost(NAME)))
    assert assert_answers(server, f"https://{NAME}/").ok
    assert assert_answers(server, f"http://{NAME}/none", status=404).reason == "Not Found"
    assert mismatches(lambda: assert_answers(server, f"http://{NAME}/none")) == ["status: expected 200, seen 404"]
    (fault,) = mismatches(lambda: assert_answers(server, f"https://{NAME}:80/"))
    assert fault.startswith("answer: expected one, seen none: ")


NEW, OLD = CA(common_name="New Root"), CA(common_name="Old Root")
ISSUING = NEW.intermediate(common_name="Issuing")
LAST_WEEK, YESTERDAY = (dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=days) for days in (7, 1))


def again(
    subject: CA,
    issuer: CA,
    *,
    ca: bool = True,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
) -> x509.Certificate:
    """One more certificate for the key of a CA."""
    profile = Profile(subject=subject.certificate.subject, ca=ca, not_before=not_before, not_after=not_after)
    return certify(profile, subject.private_key.signing_key.public_key(), issuer.signer)


EXPIRED = again(ISSUING, NEW, not_before=LAST_WEEK, not_after=YESTERDAY)
BY_OLD = again(ISSUING, OLD, not_before=LAST_WEEK, not_after=YESTERDAY)


@pytest.mark.parametrize(
    ("chain", "trusted", "faults"),
    [
        ([EXPIRED], False, [("chain: validity", "CN=Issuing")]),
        ([again(ISSUING, NEW, ca=False)], False, [("chain: basicConstraints", "CA:FALSE")]),
        ([BY_OLD, ISSUING.certificate], True, [("chain: superfluous", "a second certificate of an issuer")]),
        ([EXPIRED, ISSUING.certificate], True, [("chain: superfluous", "a second certificate of an issuer")]),
        ([ISSUING.certificate, again(NEW, OLD)], True, [("chain: superfluous", "a second certificate of an issuer")]),
    ],
    ids=["expired", "no CA", "by another root too", "renewed", "of a root"],
)
def test_an_issuer_that_clients_do_not_take_is_no_part_of_a_chain(
    modssl_server_factory: ServerFactory, chain: list[x509.Certificate], *, trusted: bool, faults: list[tuple[str, str]]
) -> None:
    leaf = ISSUING.issue(NAME).with_chain(*chain)
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaf)))
    roots = [NEW.cert_pem.bytes()]
    with pytest.raises(ModsslAssertionError) as caught:
        assert_chain_complete(server, NAME, trust=roots)
    assert [one.what for one in caught.value.mismatches] == [what for what, _ in faults]
    for one, (_, seen) in zip(caught.value.mismatches, faults, strict=True):
        assert seen in one.seen
    # OpenSSL thinks so too, as does the command that is told: it trusts the same roots.
    assert server.handshake(NAME, trust=roots).verification.ok is trusted
    (command,) = caught.value.commands
    printed = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    assert ("Verify return code: 0 (ok)" in printed) is trusted


def test_a_handshake_that_trusts_others_is_repeated_with_those(modssl_server_factory: ServerFactory) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=NEW.issue(NAME))))
    server.handshake(NAME, trust=[OLD.cert_pem.bytes()], verify="abort")
    (command,) = server.commands()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Verify return code: 0 (ok)" not in done.stdout
