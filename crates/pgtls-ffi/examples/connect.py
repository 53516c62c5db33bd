"""A session with PostgreSQL from Python's ctypes, on a socket that never blocks: pgtls decides and logs in, Python's ssl is the TLS
engine.

    APP_PASSWORD=secret python3 connect.py libpgtls_ffi.so "host=db1,db2 user=me sslmode=verify-full sslrootcert=root.crt"

It prints the protection of the session and the server's answer to SELECT 1. The password is that of the parameters or the password
file, else APP_PASSWORD. Python returns only the server's own certificate of the chain, so that its issuer has to be in the root
file. It takes a client's certificate and key only from files: the script gives it an anonymous one (memfd_create, of Linux).
It does not show whether the server requested the certificate, so that sslcertmode=require is refused.
"""

import base64
import ctypes
import os
import pwd
import selectors
import socket
import ssl
import struct
import sys
import time
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p

OK, UNIX, VERIFY_NONE = 0, 1, 0
(RESOLVE, OPEN, CHECK_PEER, SEND, RECEIVE, LOAD_TRUST, START_TLS, _, _, DERIVE, DONE) = range(11)
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
        ("sockaddr", c_void_p),
        ("sockaddr_length", c_uint32),
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


PASSWORD = ctypes.CFUNCTYPE(c_void_p, c_void_p, POINTER(Peer))


class Failure(Exception):
    """An error of pgtls."""


class Library:
    """The functions of pgtls.h, as far as they are needed here."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        handle, place, texts, length = c_void_p, POINTER(c_void_p), POINTER(c_char_p), POINTER(c_size_t)
        for name, arguments in {
            "params_new": [c_char_p, place, place],
            "trust_of_params": [handle, place],
            "identity_of_params": [handle, place, place],
            "identity_certificate": [handle, c_size_t, place, length],
            "identity_key": [handle, place, length],
            "verify": [handle, texts, length, c_size_t, c_uint64, c_uint32, place, place],
            "machine_new": [handle, place],
            "machine_login": [handle, PASSWORD, handle, place],
            "machine_action": [handle, c_uint64, POINTER(Action)],
            "machine_resolved": [handle, texts, c_size_t],
            "machine_opened": [handle],
            "machine_peer_user": [handle, c_char_p],
            "machine_sent": [handle, c_void_p, c_size_t],
            "machine_received": [handle, c_char_p, c_size_t],
            "machine_closed": [handle, c_bool, c_char_p],
            "machine_trust": [handle, handle],
            "machine_server_certificate": [handle, c_char_p, c_size_t],
            "machine_tls_established": [handle, c_char_p, c_size_t, handle],
            "machine_tls_failed": [handle, c_uint32, c_char_p],
            "machine_derive": [handle],
            "machine_failed": [handle, c_char_p],
            "machine_timed_out": [handle],
        }.items():
            function = getattr(self.c, "pgtls_" + name)
            function.argtypes, function.restype = arguments, c_int
        self.c.pgtls_machine_error.argtypes, self.c.pgtls_machine_error.restype = [handle], c_void_p
        for name in ["params", "trust", "identity", "machine", "proof", "string"]:
            function = getattr(self.c, f"pgtls_{name}_free")
            function.argtypes, function.restype = [handle], None

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

    def bytes(self, name, *arguments):
        """Bytes of a handle, or None."""
        place, length = c_void_p(), c_size_t()
        done = getattr(self.c, "pgtls_" + name)(*arguments, byref(place), byref(length)) == OK
        return ctypes.string_at(place, length.value) if done else None


class Deadline(Exception):
    """The deadline of the action has passed."""


class Wire:
    """A non-blocking socket, with TLS in memory after `secure`. `wait` is called with the event that is waited for: an event loop
    would suspend its task there."""

    def __init__(self, family, wait):
        self.socket, self.tls = socket.socket(family), None
        self.socket.setblocking(False)
        self.wait = lambda event: wait(self.socket, event)

    def connect(self, address):
        try:
            self.socket.connect(address)
        except BlockingIOError:
            self.wait(selectors.EVENT_WRITE)
            if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))

    def secure(self, context, name):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.run(self.tls.do_handshake)

    def run(self, step):
        """Repeats a step of the TLS engine until it needs nothing more of the network."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                if bytes_ := self.read(65536):
                    self.incoming.write(bytes_)
                else:
                    self.incoming.write_eof()
            except ssl.SSLError:
                self.flush()
                raise
            else:
                self.flush()
                return result

    def flush(self):
        self.write(self.outgoing.read())

    def read(self, at_most):
        while True:
            try:
                return self.socket.recv(at_most)
            except BlockingIOError:
                self.wait(selectors.EVENT_READ)

    def write(self, bytes_):
        while bytes_:
            try:
                bytes_ = bytes_[self.socket.send(bytes_) :]
            except BlockingIOError:
                self.wait(selectors.EVENT_WRITE)

    def receive(self, at_most):
        """Bytes, through TLS; none at the end in order."""
        try:
            return self.run(lambda: self.tls.read(at_most)) if self.tls else self.read(at_most)
        except ssl.SSLZeroReturnError:
            return b""

    def send(self, bytes_):
        if self.tls:
            self.run(lambda: self.tls.write(bytes_))
        else:
            self.write(bytes_)


class Connection:
    def __init__(self, library, conninfo):
        self.lib, self.trust, self.machine, self.wire, self.deadline = library, None, None, None, NO_DEADLINE
        self.params = library.make("params_new", conninfo.encode())
        self.machine = library.make("machine_new", self.params, has_error=False)
        # The machine calls it as long as it lives, and copies the text.
        text = ctypes.create_string_buffer(os.environ.get("APP_PASSWORD", "").encode())
        self.password = PASSWORD(lambda context, peer: ctypes.addressof(text))
        if warning := library.text(library.make("machine_login", self.machine, self.password, None, has_error=False).value):
            print(f"warning: {warning}", file=sys.stderr)

    def close(self):
        if self.wire is not None:
            self.wire.socket.close()
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
            SEND: self.send,
            RECEIVE: self.receive,
            LOAD_TRUST: self.load_trust,
            START_TLS: self.start_tls,
            DERIVE: self.derive,
        }
        while (action := self.action()).kind in perform:
            try:
                perform[action.kind](action)
            except Deadline:
                self.tell("timed_out")
            except OSError as error:
                reason = (error.strerror or str(error)).encode()
                if action.kind in (SEND, RECEIVE):
                    self.tell("closed", False, reason)
                else:
                    self.tell("failed", reason)
        if action.kind != DONE:
            raise Failure(self.error())
        self.deadline = NO_DEADLINE
        return ["plain", "ssl", "gss"][action.encryption]

    def wait(self, wire, event):
        left = None if self.deadline == NO_DEADLINE else self.deadline / 1000 - time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(wire, event)
            if (left is not None and left <= 0) or not selector.select(left):
                raise Deadline

    def resolve(self, action):
        found = socket.getaddrinfo(action.name.decode(), None, type=socket.SOCK_STREAM)
        texts = [address[0].encode() for *_, address in found]
        self.tell("resolved", (c_char_p * len(texts))(*texts), len(texts))

    def open(self, action):
        if self.wire is not None:
            self.wire.socket.close()
        peer, address = action.peer, action.peer.address.decode()
        if peer.transport == UNIX:
            self.wire = Wire(socket.AF_UNIX, self.wait)
            self.wire.connect("\0" + address[1:] if address.startswith("@") else address)
        else:
            family, *_, target = socket.getaddrinfo(address, peer.port, flags=socket.AI_NUMERICHOST)[0]
            self.wire = Wire(family, self.wait)
            self.wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, peer.keepalives)
            for option, value in [
                (socket.TCP_KEEPIDLE, peer.keepalives_idle),
                (socket.TCP_KEEPINTVL, peer.keepalives_interval),
                (socket.TCP_KEEPCNT, peer.keepalives_count),
                (socket.TCP_USER_TIMEOUT, peer.tcp_user_timeout),
            ]:
                if value > 0:
                    self.wire.socket.setsockopt(socket.IPPROTO_TCP, option, value)
            self.wire.connect(target)
        self.tell("opened")

    def check_peer(self, action):
        credentials = self.wire.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, user, _ = struct.unpack("3i", credentials)
        try:
            self.tell("peer_user", pwd.getpwuid(user).pw_name.encode())
        except KeyError:
            raise OSError(f"could not look up user {user}") from None

    def send(self, action):
        self.wire.send(ctypes.string_at(action.bytes, action.length))
        self.tell("sent", action.bytes, action.length)

    def receive(self, action):
        if bytes_ := self.wire.receive(action.at_most):
            self.tell("received", bytes_, len(bytes_))
        else:
            self.tell("closed", True, None)

    def derive(self, action):
        if time.monotonic() * 1000 >= self.deadline:
            raise Deadline
        self.tell("derive")

    def load_trust(self, action):
        self.trust = self.lib.make("trust_of_params", self.params, has_error=False)
        self.tell("trust", self.trust)

    def context(self, action):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # OpenSSL checks the signature over the handshake in any case; pgtls judges the certificate.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        if action.tls_min:
            context.minimum_version = ssl.TLSVersion(action.tls_min)
        if action.tls_max:
            context.maximum_version = ssl.TLSVersion(action.tls_max)
        identity = self.lib.make("identity_of_params", self.params)
        try:
            blocks, index = [("PRIVATE KEY", self.lib.bytes("identity_key", identity))], 0
            while certificate := self.lib.bytes("identity_certificate", identity, index):
                blocks.append(("CERTIFICATE", certificate))
                index += 1
        finally:
            self.lib.c.pgtls_identity_free(identity)
        if index > 0:
            with os.fdopen(os.memfd_create("identity"), "wb") as file:
                for label, der in blocks:
                    file.write(f"-----BEGIN {label}-----\n".encode() + base64.encodebytes(der))
                    file.write(f"-----END {label}-----\n".encode())
                file.flush()
                context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        return context

    def start_tls(self, action):
        proof = None
        try:
            context = self.context(action)
        except (Failure, ssl.SSLError) as error:
            return self.tell("tls_failed", TLS_SETUP, str(error).encode())
        try:
            self.wire.secure(context, action.name.decode() if action.name else None)
            leaf = self.wire.tls.getpeercert(binary_form=True)
            if action.verification != VERIFY_NONE:
                chain, lengths = (c_char_p * 1)(leaf), (c_size_t * 1)(len(leaf))
                proof = self.lib.make("verify", self.trust, chain, lengths, 1, int(time.time()), 0)
            self.tell("server_certificate", leaf, len(leaf))
            alpn = (self.wire.tls.selected_alpn_protocol() or "").encode()
            self.tell("tls_established", alpn, len(alpn), proof)
        except ssl.SSLError as error:
            self.tell("tls_failed", TLS_HANDSHAKE, (error.reason or str(error)).encode())
        except Failure as error:
            self.tell("tls_failed", TLS_HANDSHAKE, str(error).encode())
        except ValueError as error:
            self.tell("tls_failed", TLS_SETUP, str(error).encode())
        finally:
            self.lib.c.pgtls_proof_free(proof)

    def ask(self, sql):
        """The first column of the last row."""
        body = sql.encode() + b"\0"
        self.wire.send(b"Q" + struct.pack("!I", len(body) + 4) + body)
        value, bytes_ = None, b""
        while True:
            while len(bytes_) < 5 or len(bytes_) <= struct.unpack_from("!I", bytes_, 1)[0]:
                if not (more := self.wire.receive(4096)):
                    raise Failure("the server has closed the connection")
                bytes_ += more
            kind, length = struct.unpack_from("!cI", bytes_)
            body, bytes_ = bytes_[5 : length + 1], bytes_[length + 1 :]
            if kind == b"Z":
                return value
            if kind == b"D":
                (size,) = struct.unpack_from("!i", body, 2)
                value = body[6 : 6 + size]


def main():
    path, conninfo = sys.argv[1:]
    connection = None
    try:
        connection = Connection(Library(path), conninfo)
        print(f"{connection.run()}: SELECT 1 is {connection.ask('SELECT 1').decode()}")
        connection.wire.send(b"X\0\0\0\4")
    except (OSError, Failure) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if connection is not None:
            connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
