"""What a libpq says of TLS: python3 libpq.py LIBRARY [CONNINFO ...]

Prints an object for the library itself, and one for each connection.
"""
import ctypes
import json
import sys

ASKED = ["library", "key_bits", "cipher", "compression", "protocol", "alpn", "Library", "nonsense", ""]

libpq = ctypes.CDLL(sys.argv[1])
for name, result, arguments in [
    ("PQlibVersion", ctypes.c_int, []),
    ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]),
    ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
    ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
    ("PQfinish", None, [ctypes.c_void_p]),
    ("PQsslInUse", ctypes.c_int, [ctypes.c_void_p]),
    ("PQsslAttribute", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_char_p]),
    ("PQsslAttributeNames", ctypes.POINTER(ctypes.c_char_p), [ctypes.c_void_p]),
]:
    function = getattr(libpq, name)
    function.restype, function.argtypes = result, arguments


def names(connection):
    found = []
    for name in libpq.PQsslAttributeNames(connection):
        if name is None:
            return found
        found.append(name.decode())


def attributes(connection):
    values = {name: libpq.PQsslAttribute(connection, name.encode()) for name in ASKED}
    return {name: value.decode() for name, value in values.items() if value is not None}


print(json.dumps({"version": libpq.PQlibVersion(), "names": names(None), "attributes": attributes(None)}))
for conninfo in sys.argv[2:]:
    connection = libpq.PQconnectdb(conninfo.encode())
    error = None if libpq.PQstatus(connection) == 0 else libpq.PQerrorMessage(connection).decode()
    print(json.dumps({
        "error": error,
        "in_use": libpq.PQsslInUse(connection) == 1,
        "names": names(connection),
        "attributes": attributes(connection),
    }))
    libpq.PQfinish(connection)
