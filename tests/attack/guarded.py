"""A site guarded by the browsers' door: what the proxy in front of it is told of a token, and how a session ends.

    place.write_settings(guarded.SETTINGS)
    lets_in(daemon, token)
"""
import http.client
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))

from browser import Browser  # noqa: E402
from harness import PATIENCE  # noqa: E402

PROXY = "127.0.0.2"  # nobody logs in from there
SETTINGS = f"[web]\nproxies = [\"{PROXY}\"]\n"
QUESTION = {"Host": "localhost", "X-Forwarded-For": "192.0.2.7", "X-Original-URL": "https://localhost/app"}


def lets_in(daemon, token, patience=PATIENCE):
    """Whether the proxy is to let in who shows this token; None where it is told nothing."""
    with Browser(daemon.web[0], PROXY, patience) as proxy:
        proxy.cookies["__Host-securelogin"] = token
        try:
            return proxy.get("/verify", **QUESTION).status == 200
        except (OSError, http.client.HTTPException, ValueError):
            return None


def end_session(daemon, token, patience=PATIENCE):
    """Whether it was told that it has ended."""
    with Browser(daemon.web[0], timeout=patience) as browser:
        return browser.request("DELETE", "/api/v1/session", headers={"Authorization": f"Bearer {token}"}.items()).status == 204
