"""asyncpg as a client of the conformance kit: client_asyncpg.py CONNINFO

asyncpg takes URIs, and has no hostaddr: a connection string is made a URI, and names are resolved to what hostaddr says."""
import asyncio
import json
import shlex
import sys
import urllib.parse

import asyncpg


def settings(conninfo):
    return dict(word.split("=", 1) for word in shlex.split(conninfo))


def uri(values):
    part = lambda text: urllib.parse.quote(text, safe="")
    host, port = values.pop("host", ""), values.pop("port", "")
    user, database = part(values.pop("user", "")), part(values.pop("dbname", ""))
    query = urllib.parse.urlencode({"host": host, "port": port, **values}, quote_via=urllib.parse.quote)
    return f"postgresql://{user}@/{database}?{query}"


async def main(conninfo):
    dsn = conninfo
    if not conninfo.startswith(("postgresql://", "postgres://")):
        values = settings(conninfo)
        address = values.pop("hostaddr", None)
        if address:
            values.setdefault("host", address)
            addresses = dict(zip(values["host"].split(","), address.split(",")))
            loop = asyncio.get_running_loop()
            resolve = loop.getaddrinfo
            loop.getaddrinfo = lambda host, *rest, **more: resolve(addresses.get(host, host), *rest, **more)
        dsn = uri(values)
    connection = await asyncpg.connect(dsn)
    await connection.close()


try:
    asyncio.run(main(sys.argv[1]))
except Exception as error:
    print(json.dumps({"outcome": "fail", "error": f"{type(error).__name__}: {error}"}))
    sys.exit(2)
print(json.dumps({"outcome": "connected"}))
