"""A libpq as a client of the conformance kit: client_libpq.py LIBPQ.so CONNINFO

Nothing but ctypes, so that it starts quickly: the library that psycopg's wheel brings is asked without psycopg's Python."""
import ctypes
import json
import sys

library = ctypes.CDLL(sys.argv[1])
library.PQconnectdb.restype = ctypes.c_void_p
library.PQconnectdb.argtypes = [ctypes.c_char_p]
for name in ("PQstatus", "PQsslInUse", "PQgssEncInUse", "PQfinish"):
    getattr(library, name).argtypes = [ctypes.c_void_p]
library.PQfinish.restype = None
library.PQerrorMessage.argtypes = [ctypes.c_void_p]
library.PQerrorMessage.restype = ctypes.c_char_p

connection = library.PQconnectdb(sys.argv[2].encode("utf-8", "surrogateescape"))
ok = library.PQstatus(connection) == 0
if ok:
    told = {"outcome": "ssl" if library.PQsslInUse(connection) else "gss" if library.PQgssEncInUse(connection) else "plain"}
else:
    told = {"outcome": "fail", "error": library.PQerrorMessage(connection).decode("utf-8", "replace").strip()}
library.PQfinish(connection)
print(json.dumps(told))
sys.exit(0 if ok else 2)
