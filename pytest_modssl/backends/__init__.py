"""Recording stand-ins for the back ends of a proxy, on unix sockets of this machine.

httpd reaches one by `unix:SOCKET|` before the URL of the back end (manual page mod_proxy, "Unix Domain Socket (UDS)
support"): the name, SNI and `Host` stay as configured, nothing is asked of DNS, and nothing leaves the machine.
"""

from __future__ import annotations

from pytest_modssl.backends.address import SCHEMES, BackendAddress
from pytest_modssl.backends.answer import Answer
from pytest_modssl.backends.received import BackendRequest, Headers
from pytest_modssl.backends.serving import Backends

__all__ = ["SCHEMES", "Answer", "BackendAddress", "BackendRequest", "Backends", "Headers"]
