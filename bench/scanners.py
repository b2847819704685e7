"""How fast scans of cipher suites are, and how right, against programs that do the same: same server, same truth.

The truth is what `openssl ciphers` says of the server's own list, with mod_ssl's `!aNULL:!eNULL` and the kinds of its
certificates. Peers are asked for protocols and suites alone, as far as their options allow it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench import peers
from bench.figures import medians, seconds, timed
from bench.looking import REQUIRE
from bench.page import Section
from bench.place import NAME, NotMeasured
from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.tls import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.place import Bench
    from pytest_modssl import Server

_ROUNDS = 5
_MANY = 100
_CORES = os.cpu_count() or 1

_PROTOCOLS = ("TLSv1.3", "TLSv1.2")
_WIDE = "ALL:@SECLEVEL=0"
_PLAIN = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"
_LIST = "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLHonorCipherOrder on\nSSLCipherSuite {}"

_BEYOND = (
    f"Median of {_ROUNDS}, testssl.sh once. Peers are asked for suites alone; ours tells in the same time the order, "
    "groups, primes of DHE, chains, whether a client certificate is asked for, and compression. Ours does not "
    "look for vulnerabilities such as Heartbleed (sslscan, sslyze, testssl.sh), grade (nmap), speak SSLv2 "
    "or STARTTLS (sslscan, sslyze, testssl.sh)."
)

_COLUMNS = ("scanner", "time", "ratio to ours", "found", "missed", "invented")

# For OpenSSL's columns: the number on the wire, and the kind of certificate.
_LISTED = re.compile(r"0x(\w\w),0x(\w\w) - .* Au=(\w+)")
_SSLSCAN = re.compile(r"^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)", re.MULTILINE)
_NMAP = re.compile(r"^\|\s+(?:(TLSv1\.\d|SSLv3):|(TLS_\w+) )", re.MULTILINE)
_TESTSSL = re.compile(r"^(?:(TLS 1(?:\.\d)?|SSLv[23]) *$| x([0-9a-f]+) )", re.MULTILINE)

_AS_PROGRAM = """
import sys
from pytest_modssl.tls import scan
host, port, *names = sys.argv[1:]
for name in names:
    for protocol, suites in scan((host, int(port)), name).suites.items():
        for suite in suites:
            print("Accepted", protocol, "0 bits", suite)
"""

Suites = frozenset[tuple[str, int]]
"""Accepted suites: protocol, number on the wire."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """One way to find the suites of hosts.

    Args:
        name: for the table.
        scan: finds the suites of each of some names at an address; raises `peers.NoPeer` where it is not here.
        rounds: how often it is measured on one host.
        most: names that it is asked for at once.
    """

    name: str
    scan: Callable[[tuple[str, int], Sequence[str]], Mapping[str, Suites]]
    rounds: int = _ROUNDS
    most: int = _MANY


def compare(bench: Bench) -> Iterator[Section]:
    yield _one_host(bench, "One host", f"`SSLCipherSuite {_WIDE}`, certificates for RSA and ECDSA. {_BEYOND}", "")
    yield _one_host(
        bench,
        "One host that requires a client certificate",
        "The same with `SSLVerifyClient require`, and no scanner has a certificate: whoever goes by finished "
        "handshakes sees no more than TLS 1.3, in which the refusal comes after the handshake.",
        REQUIRE,
    )
    yield _many_hosts(bench)


def _one_host(bench: Bench, title: str, how: str, directives: str) -> Section:
    with _served(bench, [NAME], f"{_LIST.format(_WIDE)}\n{directives}") as server:
        rows = _rows(_scanners(server), server.address(), [NAME], _truth(bench, _WIDE))
        return Section(title=title, how=how, columns=_COLUMNS, rows=tuple(rows))


def _many_hosts(bench: Bench) -> Section:
    hosts = [f"h{number}.example.test" for number in range(_MANY)]
    with _served(bench, hosts, _LIST.format(_PLAIN)) as server:
        rows = _rows(_scanners(server), server.address(), hosts, _truth(bench, _PLAIN))
        return Section(
            title=f"{_MANY} hosts by SNI",
            how=f"`SSLCipherSuite {_PLAIN}`, certificates for RSA and ECDSA each, measured once. Ours in a test scans "
            f"one host after the other; sslyze gets all names at once; of the other programs {_CORES} run at a time, "
            "one a name. Suites are counted over all hosts.",
            columns=_COLUMNS,
            rows=tuple(rows),
        )


def _rows(
    scanners: Sequence[Scanner], address: tuple[str, int], hosts: Sequence[str], truth: Suites
) -> Iterator[tuple[str, ...]]:
    """A row for each scanner; those that are measured equally often are measured in the same rounds."""
    found: dict[str, Mapping[str, Suites]] = {}
    taken: dict[str, float] = {}
    missing: dict[str, str] = {}

    def measure(scanner: Scanner, asked: Sequence[str]) -> float:
        return timed(lambda: found.update({scanner.name: scanner.scan(address, asked)}))

    for rounds in sorted({scanner.rounds for scanner in scanners}):
        here = []
        for scanner in scanners:
            if scanner.rounds != rounds:
                continue
            try:
                measure(scanner, hosts[:1])
            except peers.NoPeer as error:
                missing[scanner.name] = str(error)
            else:
                here.append(scanner)
        times = medians(
            *(partial(measure, scanner, hosts[: scanner.most]) for scanner in here),
            rounds=1 if len(hosts) > 1 else rounds,
        )
        taken.update(zip((scanner.name for scanner in here), times, strict=True))
    ours = taken[scanners[0].name]
    for scanner in scanners:
        if scanner.name in missing:
            yield (f"{scanner.name}: {missing[scanner.name]}", "", "", "", "", "")
            continue
        seen = found[scanner.name]
        part = len(seen) < len(hosts)
        yield (
            f"{scanner.name}, {len(seen)} host{'s' * (len(seen) > 1)} only" if part else scanner.name,
            seconds(taken[scanner.name]),
            "" if part else f"{taken[scanner.name] / ours:.1f}",
            str(sum(len(one & truth) for one in seen.values())),
            str(sum(len(truth - one) for one in seen.values())),
            str(sum(len(one - truth) for one in seen.values())),
        )


def _scanners(server: Server) -> Sequence[Scanner]:
    def ours(_: tuple[str, int], hosts: Sequence[str]) -> Mapping[str, Suites]:
        return {host: _numbered(_pairs(server.scan(host).suites)) for host in hosts}

    return (
        Scanner("pytest-modssl, in a test", ours),
        Scanner("pytest-modssl, as a program", partial(_by_program, _ours_command, _SSLSCAN.findall)),
        Scanner("sslscan", partial(_by_program, _sslscan_command, _SSLSCAN.findall)),
        Scanner("nmap ssl-enum-ciphers", partial(_by_program, _nmap_command, _nmap_suites)),
        Scanner("sslyze", _sslyze),
        # A minute a host: neither rounds nor more hosts.
        Scanner("testssl.sh", partial(_by_program, _testssl_command, _testssl_suites), rounds=1, most=1),
    )


def _by_program(
    command: Callable[[str, int, str], Sequence[str]],
    read: Callable[[str], Sequence[tuple[str, str]]],
    address: tuple[str, int],
    hosts: Sequence[str],
) -> Mapping[str, Suites]:
    """What a program finds that takes one name; as many run at a time as there are cores."""

    def one(host: str) -> Suites:
        done = subprocess.run(command(*address, host), capture_output=True, text=True, check=False)
        found = read(done.stdout)
        if not found:
            raise RuntimeError(f"{done.args} found nothing:\n{done.stdout}\n{done.stderr}")
        return _numbered(found)

    with ThreadPoolExecutor(_CORES) as pool:
        return dict(zip(hosts, pool.map(one, hosts), strict=True))


def _ours_command(host: str, port: int, name: str) -> Sequence[str]:
    return [sys.executable, "-c", _AS_PROGRAM, host, str(port), name]


def _sslscan_command(host: str, port: int, name: str) -> Sequence[str]:
    off = ("heartbleed", "renegotiation", "compression", "fallback", "groups", "check-certificate")
    options = ["--no-colour", f"--sni-name={name}", *(f"--no-{one}" for one in off)]
    return [peers.program("sslscan"), *options, f"{host}:{port}"]


def _nmap_command(host: str, port: int, name: str) -> Sequence[str]:
    script = ["--script", "ssl-enum-ciphers", "--script-args", f"tls.servername={name}"]
    return [peers.program("nmap"), "-Pn", "-n", "-p", str(port), *script, host]


def _testssl_command(host: str, port: int, name: str) -> Sequence[str]:
    options = ["--cipher-per-proto", "--color", "0", "--warnings", "off", "--quiet", "--sneaky", "--nodns", "none"]
    return [peers.program("testssl"), *options, "--ip", host, f"{name}:{port}"]


def _nmap_suites(text: str) -> Sequence[tuple[str, str]]:
    found, protocol = [], ""
    for heading, suite in _NMAP.findall(text):
        protocol = heading or protocol
        if suite:
            found.append((protocol, suite.replace("TLS_AKE_WITH_", "TLS_")))
    return found


def _testssl_suites(text: str) -> Sequence[tuple[str, str]]:
    found, protocol = [], ""
    for heading, code in _TESTSSL.findall(text):
        protocol = heading.replace("TLS ", "TLSv") or protocol
        if code:
            found.append((protocol, names.cipher_suite(int(code, 16)).name))
    return found


def _sslyze(address: tuple[str, int], hosts: Sequence[str]) -> Mapping[str, Suites]:
    asked = ("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3")
    ip, port = address
    targets = [f"{host}:{port}{{{ip}}}" for host in hosts]
    program = str(peers.script("sslyze", "sslyze"))
    with tempfile.NamedTemporaryFile() as file:
        options = ["--mozilla_config", "disable", "--quiet", "--json_out", file.name, *(f"--{one}" for one in asked)]
        done = subprocess.run([program, *options, *targets], capture_output=True, text=True, check=False)
        try:
            results = json.load(file)["server_scan_results"]
        except ValueError:
            raise RuntimeError(f"{done.args} wrote no report:\n{done.stdout}\n{done.stderr}") from None
    found = {}
    for result in results:
        pairs = []
        for protocol in _PROTOCOLS:
            seen = result["scan_result"][f"{protocol.lower().replace('v', '_').replace('.', '_')}_cipher_suites"]
            pairs += [(protocol, one["cipher_suite"]["name"]) for one in seen["result"]["accepted_cipher_suites"]]
        found[result["server_location"]["hostname"]] = _numbered(pairs)
    return found


def _pairs(suites: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(protocol, suite) for protocol, accepted in suites.items() for suite in accepted]


def _numbered(suites: Sequence[tuple[str, str]]) -> Suites:
    return frozenset((protocol, names.cipher_suite(name).code) for protocol, name in suites)


def _truth(bench: Bench, suites: str) -> Suites:
    """What the server can select, by OpenSSL: mod_ssl refuses what is anonymous or NULL, and there is no DSS key."""
    program = bench.target.installation.openssl_command
    if program is None:
        raise NotMeasured("the httpd has no `openssl` beside it that tells which suites there are")
    found = set()
    for protocol in _PROTOCOLS:
        option = f"-{protocol.lower().replace('v', '').replace('.', '_')}"
        asked = [*program, "ciphers", "-s", "-V", option, f"{suites}:!aNULL:!eNULL"]
        text = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        for high, low, kind in _LISTED.findall(text):
            if kind in {"RSA", "ECDSA", "any"}:
                found.add((protocol, int(high + low, 16)))
    return frozenset(found)


@contextmanager
def _served(bench: Bench, hosts: Sequence[str], directives: str) -> Iterator[Server]:
    """Virtual hosts with a certificate for RSA and one for ECDSA each."""
    config = ServerConfig(
        *(
            VirtualHost(
                host, tls=[bench.ca.issue(host, key_type="rsa-2048"), bench.ca.issue(host)], directives=directives
            )
            for host in hosts
        ),
        pki={"ca.pem": bench.ca.cert_pem},
    )
    server = bench.target.launch(config)
    try:
        yield server
    finally:
        server.stop()
