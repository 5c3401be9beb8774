"""A TLS server that follows a script, and keeps what the client sent: friend or foe, as the test needs."""

import base64
import hashlib
import os
import socket
import ssl
import subprocess
import tempfile
import threading


class Identity:
    """A key and a self-signed certificate for localhost and 127.0.0.1."""

    def __init__(self, directory, name, names="DNS:localhost,IP:127.0.0.1", days="2"):
        self.key = os.path.join(directory, name + ".key")
        self.certificate = os.path.join(directory, name + ".pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", self.key, "-out", self.certificate, "-days", days, "-subj", "/CN=" + name,
             "-addext", "subjectAltName=" + names],
            check=True, capture_output=True)
        public = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-pubkey"],
                                check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public,
                             check=True, capture_output=True).stdout
        digest = hashlib.sha256(der).digest()
        self.fingerprint = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class Peer:
    """One connection, as a script sees it."""

    def __init__(self, connection, server):
        self.connection = connection
        self.server = server
        self.pending = b""

    def say(self, *lines):
        self.raw("".join(line + "\r\n" for line in lines).encode())

    def raw(self, octets):
        self.connection.sendall(octets)

    def line(self):
        """The client's next line, or None when it has left."""
        while b"\n" not in self.pending:
            try:
                octets = self.connection.recv(4096)
            except (OSError, ssl.SSLError):
                octets = b""
            if not octets:
                return None
            self.server.received += octets
            self.pending += octets
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def wait(self):
        """Until the test says FakeServer.go_on()."""
        self.server.signal.wait(60)

    def listen_to_the_end(self):
        while self.line() is not None:
            pass

    def cut(self):
        """Ends the connection as a crash does: no farewell of TLS's."""
        self.connection.shutdown(socket.SHUT_RDWR)


class FakeServer:
    """Serves one connection after another by `script(peer)` until it is closed."""

    def __init__(self, identity, script, alpn=("slp/1",), prepare=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(identity.certificate, identity.key)
        self.context.sni_callback = self._note_name
        if alpn:
            self.context.set_alpn_protocols(list(alpn))
        if prepare:
            prepare(self.context)
        self.script = script
        self.received = b""  # what came through TLS, on all connections
        self.names = []  # SNI of each
        self.resumed = []  # whether each was a resumed session
        self.signal = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.go_on()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def go_on(self):
        self.signal.set()

    def lines(self):
        return self.received.decode().splitlines()

    def _note_name(self, _connection, name, _context):
        self.names.append(name)

    def _serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            with plain:
                plain.settimeout(30)
                self._serve_one(plain)

    def _serve_one(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                self.resumed.append(connection.session_reused)
                self.script(Peer(connection, self))
        except (OSError, ssl.SSLError):
            pass  # the client left, as it may


def log_in(peer, greeting="220 fake SecureLogin 1 ready", facts=()):
    """The questions of a login that succeeds, whatever the answers are."""
    peer.say(greeting, "330 Username:")
    name = peer.line()
    if name is None:
        return False
    peer.say("331 Password:")
    if peer.line() is None:
        return False
    peer.say("332 Code:")
    if peer.line() is None:
        return False
    peer.say("230-user " + name, *["230-" + fact for fact in facts], "230 Login successful")
    return True


def serve_commands(peer):
    """WHOAMI, LOGOUT and QUIT; 502 for all else."""
    while (line := peer.line()) is not None:
        verb = line.upper()
        if verb == "WHOAMI":
            peer.say("250-user alice", "250-session 6f1c0a52", "250 OK")
        elif verb in ("QUIT", "LOGOUT"):
            peer.say("221 Bye")
            return
        else:
            peer.say("502 Unknown command")


def friendly(peer):
    if log_in(peer):
        serve_commands(peer)


def refusing(peer):
    """Three refusals, then the door."""
    peer.say("220 fake SecureLogin 1 ready")
    for _ in range(3):
        for question in ("330 Username:", "331 Password:", "332 Code:"):
            peer.say(question)
            if peer.line() is None:
                return
        peer.say("530 Login failed")
    peer.say("421 Too many attempts")


def scripted(*turns):
    """The first turn at once, each other after a line; then waits for the client to leave."""

    def script(peer):
        closing(*turns)(peer)
        peer.listen_to_the_end()

    return script


def closing(*turns):
    """The first turn at once, each other after a line; then closes."""

    def script(peer):
        for number, turn in enumerate(turns):
            peer.raw(turn if isinstance(turn, bytes) else turn.encode())
            if number + 1 < len(turns) and peer.line() is None:
                return

    return script
