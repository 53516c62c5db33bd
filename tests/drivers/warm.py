"""Python drivers take longer to import than to connect: this imports them once.

    warm.py serve SOCKET CLIENT.py MODULE    imports MODULE, and runs CLIENT.py in a child for each that asks
    warm.py ask SOCKET CONNINFO              asks, in its own environment, directory and user, and ends as the client ends"""
import os
import socket
import sys


def ask(path, conninfo):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(path)
        words = [os.getcwd(), conninfo] + [f"{name}={value}" for name, value in os.environ.items()]
        text = "\0".join(words).encode("utf-8", "surrogateescape")
        socket.send_fds(server, [len(text).to_bytes(4, "big")], [1, 2])
        server.sendall(text)
        status = server.recv(1)
    os._exit(status[0] if status else 1)


def take(client):
    """What somebody asks: directory, connection string, environment; and where the output goes."""
    head, descriptors, _, _ = socket.recv_fds(client, 4, 2)
    length, text = int.from_bytes(head, "big"), b""
    while len(text) < length:
        more = client.recv(length - len(text))
        if not more:
            raise EOFError
        text += more
    directory, conninfo, *environment = text.decode("utf-8", "surrogateescape").split("\0")
    return directory, conninfo, dict(word.split("=", 1) for word in environment), descriptors


def become(client, files):
    """The user who asks, if that user could have started the program: it has not read everything yet."""
    import struct
    _, uid, gid = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        for file in files:
            if not os.access(file, os.R_OK):
                print(f"another user cannot read {file}", file=sys.stderr)
                sys.exit(77)


def serve(path, script, module):
    import runpy
    import signal
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    files = [script, os.__file__, __import__(module).__file__]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            client, _ = listener.accept()
            if os.fork():
                client.close()
                continue
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = 1
            try:
                directory, conninfo, environment, descriptors = take(client)
                for target, descriptor in zip((1, 2), descriptors):
                    os.dup2(descriptor, target)
                become(client, files)
                os.chdir(directory)
                if "LD_PRELOAD" in environment:
                    # A library can only be put before others when a program starts.
                    import subprocess
                    status = subprocess.run([sys.executable, "-I", "-B", script, conninfo], env=environment, check=False).returncode
                    sys.exit(status)
                os.environ.clear()
                os.environ.update(environment)
                sys.argv = [script, conninfo]
                runpy.run_path(script, run_name="__main__")
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            except BaseException as error:
                print(error, file=sys.stderr)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                client.sendall(bytes([status & 0xFF]))
                os._exit(0)


if sys.argv[1] == "serve":
    serve(*sys.argv[2:5])
else:
    ask(*sys.argv[2:4])
