"""A connection to PostgreSQL from Python's ctypes: pgtls decides, Python's ssl speaks TLS.

    python3 connect.py libpgtls_ffi.so "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"

It prints how the session is protected and what the server answers to SELECT 1. One address, and no passwords. Of the
server's chain Python tells no more than the server's own certificate, so that its issuer has to be in the root file.
"""

import ctypes
import socket
import ssl
import struct
import sys
import time
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p, create_string_buffer

PATIENCE = 30
OK = 0
TCP, STARTUP = 0, 0
(CONNECT, RECONNECT, CHECK_PEER, SEND, RECEIVE, START_TLS, STARTING, DONE, FAIL) = range(9)
VERIFY_NONE, VERIFY_FULL = 0, 2
ALPN_ABSENT, ALPN_POSTGRESQL, ALPN_OTHER = range(3)
TLS_SETUP, TLS_HANDSHAKE = 0, 2


class Action(ctypes.Structure):
    _fields_ = [
        ("kind", c_int),
        ("bytes", c_void_p),
        ("length", c_size_t),
        ("at_most", c_size_t),
        ("direct", c_bool),
        ("encryption", c_int),
        ("then", c_int),
    ]


class Refused(Exception):
    """pgtls said no; what it said."""


class Library:
    """The functions of pgtls.h, as far as they are needed here."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        handle, text = c_void_p, POINTER(c_void_p)
        for name, arguments in {
            "params_new": [c_char_p, text, text],
            "params_server_name": [handle, c_char_p, text, text],
            "params_startup": [handle, text, POINTER(c_size_t)],
            "trust_of_params": [handle, text],
            "machine_new": [handle, c_uint32, c_uint32, text, text],
            "machine_action": [handle, POINTER(Action)],
            "machine_verification": [handle, handle, POINTER(c_int), text],
            "machine_connected": [handle],
            "machine_connect_failed": [handle],
            "machine_sent": [handle, c_char_p, c_size_t],
            "machine_received": [handle, c_char_p, c_size_t],
            "machine_closed": [handle, c_bool],
            "machine_gave_up": [handle],
            "machine_tls_established": [handle, c_uint32, handle, handle],
            "machine_tls_failed": [handle, c_uint32],
            "verify": [handle, POINTER(c_void_p), POINTER(c_size_t), c_size_t, c_uint64, c_uint32, text, text],
            "proof_match_host": [handle, c_char_p, text, text],
        }.items():
            function = getattr(self.c, "pgtls_" + name)
            function.argtypes, function.restype = arguments, c_int
        for name, arguments in {
            "params_value": [handle, c_char_p],
            "machine_error": [handle],
        }.items():
            function = getattr(self.c, "pgtls_" + name)
            function.argtypes, function.restype = arguments, c_void_p
        for name in ["params", "trust", "machine", "proof", "string"]:
            function = getattr(self.c, f"pgtls_{name}_free")
            function.argtypes, function.restype = [handle], None
        self.c.pgtls_bytes_free.argtypes = [handle, c_size_t]
        self.c.pgtls_bytes_free.restype = None

    def text(self, pointer):
        """A text that was given, taken over."""
        if not pointer:
            return None
        value = ctypes.string_at(pointer).decode()
        self.c.pgtls_string_free(pointer)
        return value

    def call(self, name, *arguments):
        status = getattr(self.c, "pgtls_" + name)(*arguments)
        if status != OK:
            raise Refused(f"pgtls_{name} says {status}")

    def make(self, name, *arguments):
        """A handle, or the error in its place."""
        handle, error = c_void_p(), c_void_p()
        if getattr(self.c, "pgtls_" + name)(*arguments, byref(handle), byref(error)) != OK:
            raise Refused(self.text(error.value) or name)
        return handle


class Connection:
    def __init__(self, library, conninfo):
        self.lib, self.params, self.trust, self.machine = library, None, None, None
        self.wire = None
        try:
            self.params = library.make("params_new", conninfo.encode())
            self.trust = c_void_p()
            library.call("trust_of_params", self.params, byref(self.trust))
            self.machine = library.make("machine_new", self.params, TCP, STARTUP)
        except BaseException:
            self.close()
            raise
        self.host = self.value("host")

    def value(self, keyword):
        return self.lib.text(self.lib.c.pgtls_params_value(self.params, keyword.encode()))

    def close(self):
        if self.wire is not None:
            self.wire.close()
        for name in ["machine", "trust", "params"]:
            getattr(self.lib.c, f"pgtls_{name}_free")(getattr(self, name))

    def tell(self, name, *arguments):
        self.lib.call("machine_" + name, self.machine, *arguments)

    def action(self):
        action = Action()
        self.tell("action", byref(action))
        return action

    def run(self):
        """The loop around the machine; how the session is protected in the end."""
        while True:
            action = self.action()
            if action.kind in (CONNECT, RECONNECT):
                self.dial()
            elif action.kind == SEND:
                bytes_ = ctypes.string_at(action.bytes, action.length)
                self.wire.sendall(bytes_)
                self.tell("sent", bytes_, len(bytes_))
            elif action.kind == RECEIVE:
                reply = self.wire.recv(action.at_most)
                self.tell("received", reply, len(reply))
            elif action.kind == START_TLS:
                self.start_tls()
            elif action.kind == STARTING:
                self.start_up()
            elif action.kind == DONE:
                return ["plain", "ssl", "gss"][action.encryption]
            else:
                raise Refused(self.lib.text(self.lib.c.pgtls_machine_error(self.machine)))

    def dial(self):
        if self.wire is not None:
            self.wire.close()
        try:
            address = (self.value("hostaddr") or self.host, int(self.value("port")))
            self.wire = socket.create_connection(address, PATIENCE)
        except OSError:
            self.tell("connect_failed")
        else:
            self.tell("connected")

    def start_tls(self):
        wanted, error = c_int(), c_void_p()
        if self.lib.c.pgtls_machine_verification(self.machine, self.trust, byref(wanted), byref(error)) != OK:
            print(self.lib.text(error.value), file=sys.stderr)
            return self.tell("tls_failed", TLS_SETUP)
        host, name = self.host.encode() if self.host else None, c_void_p()
        if self.lib.c.pgtls_params_server_name(self.params, host, byref(name), byref(error)) != OK:
            print(self.lib.text(error.value), file=sys.stderr)
            return self.tell("tls_failed", TLS_SETUP)
        name = self.lib.text(name.value)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The signature over the handshake is checked in any case; the chain is judged by pgtls.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        proof = None
        try:
            self.wire = context.wrap_socket(self.wire, server_hostname=name)
            if wanted.value != VERIFY_NONE:
                proof = self.prove(self.wire.getpeercert(binary_form=True), wanted.value)
        except (OSError, Refused) as error:
            print(error, file=sys.stderr)
            self.lib.c.pgtls_proof_free(proof)
            return self.tell("tls_failed", TLS_HANDSHAKE)
        alpn = {None: ALPN_ABSENT, "postgresql": ALPN_POSTGRESQL}.get(
            self.wire.selected_alpn_protocol(), ALPN_OTHER
        )
        try:
            self.tell("tls_established", alpn, self.trust, proof)
        finally:
            self.lib.c.pgtls_proof_free(proof)

    def prove(self, leaf, wanted):
        buffer = create_string_buffer(leaf, len(leaf))
        chain, lengths = (c_void_p * 1)(ctypes.addressof(buffer)), (c_size_t * 1)(len(leaf))
        proof = self.lib.make("verify", self.trust, chain, lengths, 1, int(time.time()), 0)
        error = c_void_p()
        if wanted == VERIFY_FULL:
            if self.lib.c.pgtls_proof_match_host(proof, (self.host or "").encode(), None, byref(error)) != OK:
                print(self.lib.text(error.value), file=sys.stderr)
        return proof

    def start_up(self):
        """Sends the startup packet; the machine sees when the session is up."""
        packet, length = c_void_p(), c_size_t()
        self.lib.call("params_startup", self.params, byref(packet), byref(length))
        bytes_ = ctypes.string_at(packet, length.value)
        self.lib.c.pgtls_bytes_free(packet, length)
        self.wire.sendall(bytes_)
        self.tell("sent", bytes_, len(bytes_))
        while self.action().kind == STARTING:
            try:
                said = self.wire.recv(4096)
            except OSError:
                self.tell("closed", False)
                continue
            if not said:
                self.tell("closed", True)
                continue
            self.tell("received", said, len(said))
            # A request for a password, which this program has not.
            if said[:1] == b"R" and said[5:9] != bytes(4) and self.action().kind == STARTING:
                self.tell("gave_up")

    def ask(self, sql):
        """The first column of the first row."""
        body = sql.encode() + b"\0"
        self.wire.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        value = None
        while True:
            kind, length = struct.unpack("!cI", self.exactly(5))
            body = self.exactly(length - 4)
            if kind == b"Z":
                return value
            if kind == b"D":
                (size,) = struct.unpack_from("!I", body, 2)
                value = body[6 : 6 + size].decode()

    def exactly(self, count):
        bytes_ = b""
        while len(bytes_) < count:
            piece = self.wire.recv(count - len(bytes_))
            if not piece:
                raise Refused("the server has gone")
            bytes_ += piece
        return bytes_


def main():
    path, conninfo = sys.argv[1:]
    try:
        connection = Connection(Library(path), conninfo)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    try:
        print(f"{connection.run()}: SELECT 1 is {connection.ask('SELECT 1')}")
        connection.wire.sendall(b"X\0\0\0\4")
    except (OSError, Refused) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
