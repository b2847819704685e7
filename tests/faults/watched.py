"""Runs a command in a network of its own, and tells what it listened on and what it sent elsewhere, as JSON.

    unshare --net --mount python watched.py RESULT COMMAND...

The network has a loopback and one more device, over which every other address is reached, name servers too: nobody is
behind it, and the kernel counts what is sent.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

DEVICE = "modssl0"
_LISTEN, _UNCONNECTED = "0A", "07"
_SENT = Path(f"/sys/class/net/{DEVICE}/statistics/tx_packets")


def prepare() -> None:
    """Sets the network up."""
    _run("ip link set lo up")
    # Of two ends of a wire, one for us: docker needs the same of a kernel; not every one has a dummy device.
    _run(f"ip link add {DEVICE} type veth peer name {DEVICE}-peer")
    for end in (DEVICE, f"{DEVICE}-peer"):
        # The kernel itself would send there: neighbour discovery (RFC 4861), listeners of groups (RFC 3810).
        Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1")
        _run(f"ip link set {end} up")
    _run(f"ip addr add 192.0.2.77/24 dev {DEVICE}")
    _run(f"ip route add default via 192.0.2.1 dev {DEVICE}")
    _run("mount --make-rprivate /")
    # The statistics in /sys are those of the network in which it was mounted.
    _run("mount -t sysfs sysfs /sys")
    with tempfile.NamedTemporaryFile("w") as names:
        names.write("nameserver 192.0.2.1\noptions timeout:1 attempts:1\n")
        names.flush()
        _run(f"mount --bind {names.name} /etc/resolv.conf")


def _run(words: str) -> None:
    subprocess.run(words.split(), check=True)


def listening() -> set[str]:
    """Addresses and ports that are listened on at this moment."""
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            if state == (_LISTEN if name.startswith("tcp") else _UNCONNECTED):
                address, _, port = local.partition(":")
                # proc_net_tcp: words of four bytes, each in the order of the machine.
                raw = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
                found.add(f"{name} {ipaddress.ip_address(raw)} {int(port, 16)}")
    return found


def main(result: str, *command: str) -> int:
    prepare()
    before = int(_SENT.read_text())
    seen: set[str] = set()
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.005):
            seen.update(listening())

    sampling = threading.Thread(target=sample)
    sampling.start()
    status = subprocess.run(command, check=False).returncode
    over.set()
    sampling.join()
    told = {"sent": int(_SENT.read_text()) - before, "listening": sorted(seen), "status": status}
    Path(result).write_text(json.dumps(told))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
