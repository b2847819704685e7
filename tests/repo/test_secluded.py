"""What of a configuration would lead to another machine, and what stands there instead."""

from __future__ import annotations

import pytest

from pytest_modssl.repo.foreign import is_foreign
from pytest_modssl.repo.secluded import secluded


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("AuthLDAPURL ldaps://ldap.corp:636/dc=corp?uid", "ldaps://127.0.0.1:9/dc=corp?uid"),
        ("AuthLDAPBindPassword exec:/usr/bin/password", "unknown"),
        ("SSLSessionCache memcache:cache.corp:11211", "shmcb"),
        ("CacheSocache redis:cache.corp:6379", "shmcb"),
        ("SSLOCSPDefaultResponder http://ocsp.corp/ocsp", "http://127.0.0.1:9/ocsp"),
        ("RemoteIPInternalProxy 10.0.0.0/8 lb.corp fd00::/8 ::1", "192.0.2.1"),
        ("Require not host corp", "ip 192.0.2.1"),
        ("Require forward-dns bastion.corp", "ip 192.0.2.1"),
        ("Allow from 10 10.1.2 fe80::1 env=let_me_in all .corp", "192.0.2.1"),
        ("UseCanonicalName DNS", "Off"),
        ("MDRenewMode always", "manual"),
        ("BalancerMember http://a.corp hcmethod=GET", "hcmethod=NONE"),
    ],
)
def test_a_word_that_leads_elsewhere_is_replaced_alone(line: str, instead: str) -> None:
    name, *words = line.split()
    assert " ".join(one.text for one in secluded(name, words)) == instead


@pytest.mark.parametrize(
    "line",
    ["SSLSessionCache shmcb:/run/cache(512000)", "Require ip 10", "Require all granted", "UseCanonicalName Off"],
)
def test_what_stays_on_this_machine_stays(line: str) -> None:
    name, *words = line.split()
    assert secluded(name, words) == ()


def test_directives_of_other_peoples_modules_are_known_by_their_names() -> None:
    names = ["SecRule", "wsgiscriptalias", "PassengerRuby", "php_admin_value", "OIDCClientID", "JkMount"]
    assert all(map(is_foreign, names))
    assert not any(map(is_foreign, ["SSLEngine", "SSLEngin", "Nonsense", "Section", "Docroot"]))
