"""Virtual hosts by name."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry

ENTRIES = (
    Entry(
        id="name-based-without-sni",
        group="protocol",
        question="Why can't I use SSL with name-based/non-IP-based virtual hosts?",
        cause="a client that sends no server name gets the first virtual host of the address",
        remedy="give the first host a certificate for all names (wildcard, or several names), or hosts of their own "
        "addresses or ports",
        anchor="vhosts",
        directives=("<VirtualHost>", "ServerName"),
    ),
    Entry(
        id="sni",
        group="protocol",
        question="Is it possible to use Name-Based Virtual Hosting to identify different SSL virtual hosts?",
        cause="the client names the host in its ClientHello (SNI)",
        remedy="give each virtual host its ServerName and certificate; ask with the same name in SNI and Host",
        anchor="vhosts2",
        directives=("ServerName", "SSLVHostSNIPolicy", "SSLStrictSNIVHostCheck"),
        since="SSLVHostSNIPolicy came with httpd 2.4.66.",
    ),
)
