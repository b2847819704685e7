"""Certificates that mod_md would fetch, put where it keeps those that it has."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from pytest_modssl.pki import KEY_TYPES
from pytest_modssl.repo.making.pairs import carried, shown
from pytest_modssl.repo.making.plan import SECRET
from pytest_modssl.repo.making.scopes import Use

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.repo.making.plan import Plan
    from pytest_modssl.repo.making.scopes import Scope

_STORE: Final = "md"  # manual, MDStoreDir
_SECTION: Final = "mdomainset"
# What MDPrivateKeys calls them, and the type of the key (manual, MDPrivateKeys).
_CURVES: Final = {
    **dict.fromkeys(("secp256r1", "p-256"), ("secp256r1", "ec-p256")),
    **dict.fromkeys(("secp384r1", "p-384"), ("secp384r1", "ec-p384")),
}
_RSA: Final = ("", "rsa-2048")


def make_managed(plan: Plan, scopes: Sequence[Scope], *, server_root: str) -> None:
    """Adds a certificate and its keys for each managed domain to a plan.

    mod_md 2.6 takes `domains/NAME/privkey.pem` and `pubcert.pem` of its store for those of a domain; the name of a key
    that is not RSA stands before `.pem` (modules/md, md_crypt.c). Measured on httpd 2.4.71.

    Args:
        plan: where it is added.
        scopes: the servers.
        server_root: where the store is, unless MDStoreDir says it.
    """
    store = next((use.path for scope in scopes for use in scope.named("MD store")), posixpath.join(server_root, _STORE))
    for use, names in _domains(scopes, store):
        good, _ = carried(names)
        for suffix, key_type in _keys(use.scope) if good else ():
            leaf = plan.ca.issue(*good, key=plan.ca.keys.take(key_type))
            ending = f".{suffix}.pem" if suffix else ".pem"
            folder = f"{use.path}/{names[0]}"
            about = shown(good)
            plan.add(
                use,
                leaf.private_key.pem.bytes(),
                f"private key for {about}",
                mode=SECRET,
                path=f"{folder}/privkey{ending}",
            )
            plan.add(
                use,
                leaf.cert_file_pem.bytes(),
                f"certificate for {about}",
                mode=SECRET,
                path=f"{folder}/pubcert{ending}",
            )


def _domains(scopes: Sequence[Scope], store: str) -> Iterator[tuple[Use, list[str]]]:
    """Managed domains: who names each, and its names, with those of the hosts that it is for (manual, MDMembers)."""
    for scope in scopes:
        section = scope.section
        set_here = [section] if section is not None and section.name.lower() == _SECTION else []
        if set_here and scope.named("MD certificate"):
            continue
        for directive in [*scope.own("mdomain"), *set_here]:
            words = [word.lower() for word in directive.words if word.lower() not in {"auto", "manual"}]
            hosts = [one.names for one in scopes if one.section is None or one.section.name.lower() != _SECTION]
            beside = [name for names in hosts if not set(words).isdisjoint(names) for name in names]
            if words:
                yield Use(f"{store}/domains", "MD store", directive, scope), list(dict.fromkeys([*words, *beside]))


def _keys(scope: Scope) -> Iterator[tuple[str, str]]:
    """What a key is called, and its type, of each that a domain has."""
    told = [one.words for one in scope.effective("mdprivatekeys")]
    words = told[-1] if told else ["RSA"]
    for index, word in enumerate(word.lower() for word in words):
        if word in _CURVES:
            yield _CURVES[word]
        elif match := re.fullmatch(r"rsa(\d*)", word):
            after = words[index + 1] if len(words) > index + 1 and words[index + 1].isdecimal() else ""
            bits = match[1] or after
            yield (f"rsa{bits}", f"rsa-{bits}") if f"rsa-{bits}" in KEY_TYPES and bits != "2048" else _RSA
