"""pg8000 as a client of the conformance kit: client_pg8000.py CONNINFO

pg8000 takes no connection strings, and in place of sslmode an ssl_context: False for none, None for "if the server has it, and
whoever it is", or a context of Python's. Each sslmode becomes the context that comes nearest to it."""
import os
import ssl
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pg8000.native  # noqa: E402

from conninfo import connected, decline, failed, reads_nothing_else, resolve, settings  # noqa: E402


def context(values):
    mode, roots = values.pop("sslmode", "prefer"), values.pop("sslrootcert", None)
    certificate, key = values.pop("sslcert", None), values.pop("sslkey", None)
    passphrase = values.pop("sslpassword", "")
    if mode not in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"):
        decline("pg8000 has no sslmode to get wrong")
    if roots == "system":
        decline("pg8000 is compared with libpq 15, which has no sslrootcert=system")
    if mode == "disable":
        return False
    if mode == "allow":
        decline("pg8000 has nothing like sslmode=allow")
    if mode == "prefer" and roots is None and certificate is None:
        return None
    made = ssl.create_default_context(cafile=roots)
    made.check_hostname = mode == "verify-full"
    if roots is None and mode in ("prefer", "require"):
        made.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        made.load_cert_chain(certificate, key, lambda: passphrase)
    return made


def connect(conninfo):
    values = settings(conninfo)
    if values is None:
        decline("pg8000 takes no URIs")
    reads_nothing_else("pg8000")
    address = values.pop("hostaddr", None)
    host = values.pop("host", address or "localhost")
    if "," in host:
        decline("pg8000 takes one host")
    if address and not host.startswith("/"):
        resolve(host, address)
    if values.get("gssencmode") == "disable":
        values.pop("gssencmode")
    arguments = {"user": values.pop("user", ""), "database": values.pop("dbname", None),
                 "password": values.pop("password", None), "port": int(values.pop("port", "5432")),
                 "application_name": values.pop("application_name", None)}
    if host.startswith("/"):
        arguments["unix_sock"] = f"{host}/.s.PGSQL.{arguments.pop('port')}"
    else:
        arguments["host"] = host
    timeout = float(values.pop("connect_timeout", 15))
    arguments["ssl_context"] = context(values)
    for name in values:
        decline(f"pg8000 has no {name}")
    pg8000.native.Connection(timeout=timeout, **arguments).close()


try:
    connect(sys.argv[1])
except Exception as error:
    failed(error)
connected()
