"""What the Python clients share: reading connection strings, names that resolve as hostaddr says, and the last line."""
import json
import os
import re
import socket
import sys


def settings(conninfo):
    """The settings of a connection string, in order; None for a URI. How libpq reads odd strings is not for these drivers to know."""
    if conninfo.startswith(("postgresql://", "postgres://")):
        return None
    setting = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:\\.|[^\s\\'])*))(?=\s|$)")
    found, at = {}, 0
    while conninfo[at:].strip():
        match = setting.match(conninfo, at)
        if match is None:
            decline("this string is libpq's to read")
        name, quoted, bare = match.groups()
        found[name], at = re.sub(r"\\(.)", r"\1", quoted or bare or ""), match.end()
    return found


def resolve(host, hostaddr):
    """For drivers without hostaddr: host names lead to the address of the same place in the list."""
    addresses = dict(zip(host.split(","), hostaddr.split(",")))
    lookup = socket.getaddrinfo
    socket.getaddrinfo = lambda name, *rest, **more: lookup(addresses.get(name, name), *rest, **more)


def is_address(host):
    """Whether no name server is asked about it."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        return True
    except (OSError, UnicodeError):
        return False


def decline(reason):
    """The driver cannot be asked this."""
    print(reason, file=sys.stderr)
    sys.exit(77)


def reads_nothing_else(driver):
    """Declines scenarios that are about what the driver does not read at all."""
    for name in os.environ:
        if name.startswith("PG") and name != "PGSYSCONFDIR":
            decline(f"{driver} does not read {name}")
    if os.path.exists(os.path.expanduser("~/.postgresql")):
        decline(f"{driver} does not read ~/.postgresql")


def connected():
    print(json.dumps({"outcome": "connected"}))


def failed(error):
    print(json.dumps({"outcome": "fail", "error": f"{type(error).__name__}: {error}"}))
    sys.exit(2)
