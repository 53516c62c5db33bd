"""A test of a driver that drives `pgtls serve --control`: control.py PGTLS

The driver is a toy that knows sslmode=disable and sslmode=require, and verifies nothing. What it has to show is the other side:
a program in another language chooses what the servers do, runs its client, and asks what they saw and what libpq would have done."""
import json
import socket
import ssl
import struct
import subprocess
import sys


class Kit:
    """`pgtls serve --control`: one JSON object per line to it, one from it."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "serve", "--control"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, do, **more):
        self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=30)


def connect(conninfo):
    """The driver: "ssl" or "plain"."""
    settings = dict(word.split("=", 1) for word in conninfo.split())
    raw = socket.create_connection((settings["hostaddr"], int(settings["port"])), timeout=20)
    encrypted = settings.get("sslmode") != "disable"
    if encrypted:
        raw.sendall(struct.pack(">ii", 8, 80877103))
        if raw.recv(1) != b"S":
            raise ConnectionError("the server has no TLS")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["postgresql"])
        raw = context.wrap_socket(raw, server_hostname=settings["host"])
    pairs = b"".join(text.encode() + b"\0" for text in ("user", settings["user"], "database", settings["dbname"]))
    body = struct.pack(">i", 3 << 16) + pairs + b"\0"
    raw.sendall(struct.pack(">i", len(body) + 4) + body)
    seen = b""
    while not seen.endswith(b"Z\0\0\0\5I"):
        more = raw.recv(4096)
        if not more or more[:1] == b"E":
            raise ConnectionError("the server has closed the connection")
        seen += more
    raw.sendall(b"X\0\0\0\4")
    raw.close()
    return "ssl" if encrypted else "plain"


def judged(kit, scenario):
    """Runs the driver through a scenario."""
    stage = kit.ask("scenario", id=scenario)
    try:
        return kit.ask("verdict", connected=True, outcome=connect(stage["conninfo"]))
    except OSError as error:
        return kit.ask("verdict", connected=False, error=str(error))


kit = Kit(sys.argv[1])
ids = kit.ask("list", match="^negotiation/ok/")["scenarios"]
assert "negotiation/ok/require" in ids, ids

# Where it does what libpq does.
for scenario in ("negotiation/ok/require", "negotiation/plain-only/disable", "negotiation/plain-only/require"):
    verdict = judged(kit, scenario)
    assert verdict["verdict"] == "agree", verdict

# Where it trusts whom libpq does not trust: the verdict says so, and where the rules are written down.
verdict = judged(kit, "cert/explicit/expired/verify-ca")
assert verdict["verdict"] == "differ" and verdict["lax"], verdict
assert verdict["differences"][0] == "accepts-what-libpq-refuses", verdict
assert verdict["section"].startswith("docs/verification.md#"), verdict
assert verdict["expected"]["outcome"] == "fail" and verdict["observed"]["outcome"] == "ssl", verdict

# A behaviour of one's own, and what the server saw.
stage = kit.ask("behave", behaviour="ok", settings={"certificate": "named:db.test,dns=other.test", "max_version": "TLSv1.2", "chunks": "1,7"})
assert connect(stage["conninfo"] + " sslmode=require") == "ssl"
trace = kit.ask("trace")
assert trace["events"] == ["connect", "sslaccept", "authok"], trace
[seen] = trace["connections"]
assert seen["tls_version"] == "TLSv1.2" and seen["hello"]["sni"] == "db.test", seen
assert ["user", "zoo"] in seen["startup"] and seen["terminated"], seen

# A script: a server that says yes to the first connection and hangs up, and no to the second.
stage = kit.ask("script", script="[[connection]]\nbase = 'accept-close'\n[[connection]]\nbase = 'plain-only'")
for _ in range(2):
    try:
        connect(stage["conninfo"] + " sslmode=require")
        raise AssertionError("it has connected")
    except OSError:
        pass
assert kit.ask("trace")["events"] == ["connect", "sslaccept", "reconnect", "sslreject"]

assert kit.close() == 0
print("the servers did what they were told")
