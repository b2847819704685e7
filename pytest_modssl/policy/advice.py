"""What to change so that a server follows a policy, as the directives of httpd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Version
    from pytest_modssl.policy.guideline import Policy

# Hybrids of ML-KEM came with OpenSSL 3.5 (its CHANGES); a name that OpenSSL does not know stops the start (AH02407,
# measured on httpd 2.4.71 with OpenSSL 3.0.22).
_HYBRIDS_SINCE = (3, 5)
# As SSLOpenSSLConfCmd takes them (SSL_CONF_cmd(3)).
_OPENSSL_NAMES = {"x25519": "X25519", "secp256r1": "prime256v1"}
# What OpenSSL 3.0 and later speak at security level 0 alone (SSL_CTX_set_security_level(3)).
_OLD_PROTOCOLS = frozenset({"TLSv1", "TLSv1.1"})


def protocols(policy: Policy) -> str:
    """The line that allows the policy's protocols and no others."""
    line = f"SSLProtocol -all {' '.join(f'+{one}' for one in policy.protocols)}"
    old = _OLD_PROTOCOLS & set(policy.protocols)
    return f"{line}, and @SECLEVEL=0 at the end of SSLCipherSuite" if old else line


def suites(policy: Policy, protocol: str) -> str:
    """The line that allows the policy's suites of a protocol and no others."""
    if protocol == "TLSv1.3":
        return f"SSLCipherSuite TLSv1.3 {':'.join(policy.tls13_suites)}"
    return f"SSLCipherSuite {':'.join(policy.suites)}"


def groups(policy: Policy, protocol: str, openssl: Version | None) -> str:
    """The line that allows the policy's groups and no others, as far as this OpenSSL has them.

    Args:
        policy: the policy.
        protocol: the one that lacks or has something.
        openssl: the server's version; None where it is not known.
    """
    hybrids = openssl is None or openssl[:2] >= _HYBRIDS_SINCE
    names = [_OPENSSL_NAMES.get(one, one) for one in policy.groups if hybrids or "MLKEM" not in one]
    left_out = [one for one in policy.groups if not hybrids and "MLKEM" in one and protocol == "TLSv1.3"]
    more = f" ({', '.join(left_out)} needs OpenSSL 3.5, this is {openssl})" if left_out else ""
    return f"SSLOpenSSLConfCmd Curves {':'.join(names)}{more}"


def certificate(policy: Policy) -> str:
    """Which certificate to have issued."""
    kinds = {
        "ECDSA": f"ECDSA on {' or '.join(policy.certificate_curves)}",
        "RSA": f"RSA of {policy.rsa_bits} bits or more",
    }
    wanted = ", or ".join(kinds[one] for one in policy.certificate_types)
    return f"have a certificate issued for a key of {wanted}, and name it in SSLCertificateFile"


def stapling(leaf: x509.Certificate) -> str:
    """How a response comes to be stapled with a certificate."""
    lines = "SSLUseStapling on in the virtual host, SSLStaplingCache shmcb:... outside of all"
    if _names_responder(leaf):
        return lines
    return (
        f"{lines}; and the certificate must name its OCSP responder (authorityInfoAccess), or SSLStaplingForceURL one"
    )


def _names_responder(leaf: x509.Certificate) -> bool:
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return any(one.access_method == AuthorityInformationAccessOID.OCSP for one in access)
