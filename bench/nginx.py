"""An nginx of its own for one measurement: it answers by itself, or asks somebody else first."""

import os
import pathlib
import socket
import subprocess
import time

_SETTINGS = """
worker_processes {workers};
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{servers}
}}
"""

_NOTHING = """
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 204; }}
    }}
"""

# What is asked is what docs/proxies/nginx.conf asks.
_GUARDED = """
    upstream asked_{port} {{
        server 127.0.0.1:{asked};
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port};
        root {directory}/site;
        auth_request /.securelogin;
        auth_request_set $user $upstream_http_remote_user;
        location = /.securelogin {{
            internal;
            auth_request off;
            proxy_pass http://asked_{port}/verify;
            proxy_http_version 1.1;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header Host app.example.com;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host app.example.com;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URL https://app.example.com$request_uri;
        }}
    }}
"""


class Nginx:
    """Runs until the end of the `with` block."""

    def __init__(self, directory: pathlib.Path, asked: list[int] | None = None):
        """Answers 204 to everything at `ports[0]`; or guards the same site at one port for each of `asked`, which are
        ports themselves."""
        directory.mkdir()
        (directory / "site").mkdir()
        (directory / "site" / "page").write_text("hello\n")
        directory.chmod(0o755)
        self.ports = [_free_port() for _ in asked or [0]]
        servers = [_GUARDED.format(port=port, asked=other, directory=directory) for port, other in zip(self.ports, asked or [])]
        servers = servers or [_NOTHING.format(port=self.ports[0])]
        settings = directory / "nginx.conf"
        settings.write_text(_SETTINGS.format(workers=os.cpu_count(), directory=directory, servers="".join(servers)))
        self._process = subprocess.Popen(["nginx", "-c", settings, "-p", directory, "-e", "stderr", "-g", "daemon off; user root;"])
        for port in self.ports:
            self._await(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=30)

    def workers(self) -> list[int]:
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def _await(self, port: int) -> None:
        for _ in range(1000):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError("nginx did not start")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
