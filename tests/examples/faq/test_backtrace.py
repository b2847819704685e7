"""With CoreDumpDirectory a crash leaves a core, and gdb reads the backtrace: where it is in httpd that it crashed."""

import pytest
import requests

from pytest_modssl import File, ServerConfig, VirtualHost, assert_core_dumped

# With prefork a CGI program's parent is the child of httpd that serves the request.
CRASH = File(b"#!/bin/sh\nkill -SEGV $PPID\nsleep 5\n", executable=True)


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    leaf = modssl_ca.issue("www.example.test")
    host = VirtualHost("www.example.test", tls=leaf, files={"crash.cgi": CRASH})
    return ServerConfig(host, directives='CoreDumpDirectory "${MODSSL_RUN}"', mpm="prefork")


def test_a_crash_leaves_a_core(modssl_server):
    pattern = modssl_server.installation.run(["cat", "/proc/sys/kernel/core_pattern"]).stdout
    if pattern.startswith("|"):
        pytest.skip(f"this machine's kernel gives all cores to {pattern}")
    with pytest.raises(requests.ConnectionError):
        modssl_server.get("https://www.example.test/crash.cgi")
    (crash,) = assert_core_dumped(modssl_server)
    assert crash.signal == "Segmentation fault (11)"
    assert crash.backtrace or "no gdb" in crash.lacking
