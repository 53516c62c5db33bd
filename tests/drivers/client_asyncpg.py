"""asyncpg as a client of the conformance kit: client_asyncpg.py CONNINFO

asyncpg takes URIs, and has no hostaddr: a connection string is made a URI, and names are resolved to what hostaddr says."""
import asyncio
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import asyncpg  # noqa: E402

from conninfo import connected, decline, failed, is_address, resolve, settings  # noqa: E402

# What it knows; anything else it would hand on to the server.
KNOWN = ("host", "hostaddr", "port", "user", "password", "passfile", "dbname", "application_name", "connect_timeout", "service",
         "sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "ssl_min_protocol_version",
         "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib")


def uri(values):
    part = lambda text: urllib.parse.quote(text, safe="")
    user, database = part(values.pop("user", "")), part(values.pop("dbname", ""))
    query = urllib.parse.urlencode(values, quote_via=urllib.parse.quote)
    return f"postgresql://{user}@/{database}?{query}"


async def connect(conninfo):
    dsn, values, timeout = conninfo, settings(conninfo), 15.0
    if values is not None:
        if values.get("gssencmode") == "disable":
            values.pop("gssencmode")
        for name, value in values.items():
            if name not in KNOWN:
                decline(f"asyncpg has no {name}")
            if not value and name not in ("host", "hostaddr", "port"):
                decline("a setting in a URI of asyncpg's is not empty")
        timeout = values.pop("connect_timeout", timeout)
        try:
            timeout = float(timeout)
        except ValueError:
            decline("a timeout of asyncpg's is a number")
        address = values.pop("hostaddr", None)
        if address:
            values.setdefault("host", address)
            for name, at in zip(values["host"].split(","), address.split(",")):
                if is_address(name) and name != at:
                    decline("asyncpg cannot be asked to find an address somewhere else")
            resolve(values["host"], address)
        if "host" in values:
            # Else what follows the first colon of an address would be its port.
            addresses = [f"[{name}]" if ":" in name and name[0] not in "/[" else name for name in values["host"].split(",")]
            values["host"] = ",".join(addresses)
        dsn = uri(values)
    if "service" in (values or {}) or "PGSERVICE" in os.environ or "PGHOSTADDR" in os.environ:
        decline("asyncpg has no hostaddr, which this service or environment has")
    connection = await asyncpg.connect(dsn, timeout=timeout)
    await connection.close()


try:
    asyncio.run(connect(sys.argv[1]))
except Exception as error:
    failed(error)
connected()
