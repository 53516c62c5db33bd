"""A connection to PostgreSQL from Python's ctypes: pgtls decides, Python's ssl is the TLS engine.

    python3 connect.py libpgtls_ffi.so "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"

It prints the protection of the session and the server's answer to SELECT 1. It has no passwords and no client certificates.
Python returns only the server's own certificate of the chain, so that its issuer has to be in the root file.
"""

import ctypes
import pwd
import socket
import ssl
import struct
import sys
import time
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p

OK, UNIX, VERIFY_NONE = 0, 1, 0
(RESOLVE, OPEN, CHECK_PEER, SEND, RECEIVE, LOAD_TRUST, START_TLS, STARTUP, QUERY_ROLE, DONE) = range(10)
TLS_SETUP, TLS_HANDSHAKE = 0, 2
NO_DEADLINE = 2**64 - 1


class Peer(ctypes.Structure):
    _fields_ = [
        ("host_index", c_size_t),
        ("host", c_char_p),
        ("address", c_char_p),
        ("port", c_uint16),
        ("transport", c_int),
        ("keepalives", c_bool),
        ("keepalives_idle", c_uint32),
        ("keepalives_interval", c_uint32),
        ("keepalives_count", c_uint32),
        ("tcp_user_timeout", c_uint32),
    ]


class Action(ctypes.Structure):
    _fields_ = [
        ("kind", c_int),
        ("deadline", c_uint64),
        ("peer", Peer),
        ("name", c_char_p),
        ("query", c_char_p),
        ("bytes", c_void_p),
        ("length", c_size_t),
        ("at_most", c_size_t),
        ("direct", c_bool),
        ("verification", c_int),
        ("tls_min", c_uint16),
        ("tls_max", c_uint16),
        ("authentication", c_uint32),
        ("encryption", c_int),
        ("then", c_int),
    ]


class Failure(Exception):
    """An error of pgtls."""


class Library:
    """The functions of pgtls.h, as far as they are needed here."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        handle, place, texts = c_void_p, POINTER(c_void_p), POINTER(c_char_p)
        for name, arguments in {
            "params_new": [c_char_p, place, place],
            "params_startup": [handle, place, POINTER(c_size_t)],
            "trust_of_params": [handle, place],
            "verify": [handle, texts, POINTER(c_size_t), c_size_t, c_uint64, c_uint32, place, place],
            "machine_new": [handle, place],
            "machine_action": [handle, c_uint64, POINTER(Action)],
            "machine_resolved": [handle, texts, c_size_t],
            "machine_opened": [handle],
            "machine_peer_user": [handle, c_char_p],
            "machine_sent": [handle, c_char_p, c_size_t],
            "machine_received": [handle, c_char_p, c_size_t],
            "machine_closed": [handle, c_bool, c_char_p],
            "machine_trust": [handle, handle],
            "machine_tls_established": [handle, c_char_p, c_size_t, handle],
            "machine_tls_failed": [handle, c_uint32, c_char_p],
            "machine_role": [handle, c_char_p, c_size_t],
            "machine_no_password": [handle],
            "machine_failed": [handle, c_char_p],
            "machine_timed_out": [handle],
        }.items():
            function = getattr(self.c, "pgtls_" + name)
            function.argtypes, function.restype = arguments, c_int
        self.c.pgtls_machine_error.argtypes, self.c.pgtls_machine_error.restype = [handle], c_void_p
        for name in ["params", "trust", "machine", "proof", "string"]:
            function = getattr(self.c, f"pgtls_{name}_free")
            function.argtypes, function.restype = [handle], None
        self.c.pgtls_bytes_free.argtypes, self.c.pgtls_bytes_free.restype = [handle, c_size_t], None

    def text(self, pointer):
        """Takes a text over."""
        value = ctypes.string_at(pointer).decode() if pointer else None
        self.c.pgtls_string_free(pointer)
        return value

    def make(self, name, *arguments, has_error=True):
        """A handle."""
        handle, error = c_void_p(), c_void_p()
        places = [byref(handle), byref(error)] if has_error else [byref(handle)]
        if getattr(self.c, "pgtls_" + name)(*arguments, *places) != OK:
            raise Failure(self.text(error.value) or name)
        return handle


class Connection:
    def __init__(self, library, conninfo):
        self.lib, self.trust, self.machine, self.wire = library, None, None, None
        self.params = library.make("params_new", conninfo.encode())
        self.machine = library.make("machine_new", self.params, has_error=False)

    def close(self):
        if self.wire is not None:
            self.wire.close()
        for name in ["machine", "trust", "params"]:
            getattr(self.lib.c, f"pgtls_{name}_free")(getattr(self, name))

    def tell(self, name, *arguments):
        """Reports a result to the machine."""
        if getattr(self.lib.c, "pgtls_machine_" + name)(self.machine, *arguments) != OK:
            raise Failure(self.error() or f"pgtls_machine_{name} refuses its arguments")

    def error(self):
        return self.lib.text(self.lib.c.pgtls_machine_error(self.machine))

    def action(self):
        action = Action()
        if self.lib.c.pgtls_machine_action(self.machine, time.monotonic_ns() // 1_000_000, byref(action)) != OK:
            raise Failure("a bug in pgtls")
        self.deadline = action.deadline
        return action

    def run(self):
        """Performs the actions until there is a session, and returns its protection."""
        perform = {
            RESOLVE: self.resolve,
            OPEN: self.open,
            CHECK_PEER: self.check_peer,
            SEND: lambda action: self.send(ctypes.string_at(action.bytes, action.length)),
            RECEIVE: lambda action: self.receive(action.at_most),
            LOAD_TRUST: self.load_trust,
            START_TLS: self.start_tls,
            STARTUP: self.start_up,
            QUERY_ROLE: self.query_role,
        }
        while (action := self.action()).kind in perform:
            try:
                if self.wire is not None:
                    self.wire.settimeout(self.left())
                perform[action.kind](action)
            except TimeoutError:
                self.tell("timed_out")
            except OSError as error:
                ending = "closed" if action.kind in (SEND, RECEIVE, STARTUP) else "failed"
                reason = (error.strerror or str(error)).encode()
                self.tell(ending, *([False, reason] if ending == "closed" else [reason]))
        if action.kind != DONE:
            raise Failure(self.error())
        self.wire.settimeout(None)
        return ["plain", "ssl", "gss"][action.encryption]

    def left(self):
        """Seconds until the deadline."""
        if self.deadline == NO_DEADLINE:
            return None
        return max(self.deadline / 1000 - time.monotonic(), 0.001)

    def resolve(self, action):
        found = socket.getaddrinfo(action.name.decode(), None, type=socket.SOCK_STREAM)
        texts = [address[0].encode() for *_, address in found]
        self.tell("resolved", (c_char_p * len(texts))(*texts), len(texts))

    def open(self, action):
        if self.wire is not None:
            self.wire.close()
        peer, address = action.peer, action.peer.address.decode()
        if peer.transport == UNIX:
            self.wire = socket.socket(socket.AF_UNIX)
            self.wire.settimeout(self.left())
            self.wire.connect("\0" + address[1:] if address.startswith("@") else address)
        else:
            self.wire = socket.create_connection((address, peer.port), self.left())
            self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, peer.keepalives)
            for option, value in [
                (socket.TCP_KEEPIDLE, peer.keepalives_idle),
                (socket.TCP_KEEPINTVL, peer.keepalives_interval),
                (socket.TCP_KEEPCNT, peer.keepalives_count),
                (socket.TCP_USER_TIMEOUT, peer.tcp_user_timeout),
            ]:
                if value > 0:
                    self.wire.setsockopt(socket.IPPROTO_TCP, option, value)
        self.tell("opened")

    def check_peer(self, action):
        credentials = self.wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, user, _ = struct.unpack("3i", credentials)
        try:
            self.tell("peer_user", pwd.getpwuid(user).pw_name.encode())
        except KeyError:
            raise OSError(f"could not look up user {user}") from None

    def send(self, bytes_):
        self.wire.sendall(bytes_)
        self.tell("sent", bytes_, len(bytes_))

    def receive(self, at_most):
        bytes_ = self.wire.recv(at_most)
        if bytes_:
            self.tell("received", bytes_, len(bytes_))
        else:
            self.tell("closed", True, None)

    def load_trust(self, action):
        self.trust = self.lib.make("trust_of_params", self.params, has_error=False)
        self.tell("trust", self.trust)

    def start_tls(self, action):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # OpenSSL checks the signature over the handshake in any case; pgtls judges the certificate.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        if action.tls_min:
            context.minimum_version = ssl.TLSVersion(action.tls_min)
        if action.tls_max:
            context.maximum_version = ssl.TLSVersion(action.tls_max)
        proof = None
        try:
            name = action.name.decode() if action.name else None
            self.wire = context.wrap_socket(self.wire, server_hostname=name)
            if action.verification != VERIFY_NONE:
                leaf = self.wire.getpeercert(binary_form=True)
                chain, lengths = (c_char_p * 1)(leaf), (c_size_t * 1)(len(leaf))
                proof = self.lib.make("verify", self.trust, chain, lengths, 1, int(time.time()), 0)
            alpn = (self.wire.selected_alpn_protocol() or "").encode()
            self.tell("tls_established", alpn, len(alpn), proof)
        except ssl.SSLError as error:
            self.tell("tls_failed", TLS_HANDSHAKE, (error.reason or str(error)).encode())
        except Failure as error:
            self.tell("tls_failed", TLS_HANDSHAKE, str(error).encode())
        except ValueError as error:
            self.tell("tls_failed", TLS_SETUP, str(error).encode())
        finally:
            self.lib.c.pgtls_proof_free(proof)

    def start_up(self, action):
        """Sends the startup packet, and reports all bytes until the machine has another action."""
        packet, length = c_void_p(), c_size_t()
        if self.lib.c.pgtls_params_startup(self.params, byref(packet), byref(length)) != OK:
            raise OSError("the startup packet is too long")
        bytes_ = ctypes.string_at(packet, length.value)
        self.lib.c.pgtls_bytes_free(packet, length)
        self.send(bytes_)
        while (action := self.action()).kind == STARTUP:
            if action.authentication != 0:
                self.tell("no_password")
            else:
                self.receive(4096)

    def query_role(self, action):
        try:
            value = self.ask(action.query.decode())
        except Failure:
            value = None
        self.tell("role", value, len(value or b""))

    def ask(self, sql):
        """The first column of the last row."""
        body = sql.encode() + b"\0"
        self.wire.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        value = None
        while True:
            kind, length = struct.unpack("!cI", self.exactly(5))
            body = self.exactly(length - 4)
            if kind == b"Z":
                return value
            if kind == b"D":
                (size,) = struct.unpack_from("!i", body, 2)
                value = body[6 : 6 + size]

    def exactly(self, count):
        bytes_ = b""
        while len(bytes_) < count:
            piece = self.wire.recv(count - len(bytes_))
            if not piece:
                raise Failure("the server has closed the connection")
            bytes_ += piece
        return bytes_


def main():
    path, conninfo = sys.argv[1:]
    connection = None
    try:
        connection = Connection(Library(path), conninfo)
        print(f"{connection.run()}: SELECT 1 is {connection.ask('SELECT 1').decode()}")
        connection.wire.sendall(b"X\0\0\0\4")
    except (OSError, Failure) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if connection is not None:
            connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
