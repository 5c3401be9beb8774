#!/usr/bin/env python3
"""Debian's browser at the real daemon, over HTTPS: from an invitation to a changed password (journey.mjs).

    SECURELOGIN_BROWSER_WORK   a directory in a build tree, for npm packages and screenshots
    --pictures DIRECTORY       afterwards copies the screenshots that the README shows there
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "end_to_end"))
from harness import Daemon, TestCase  # noqa: E402

WORK = pathlib.Path(os.environ.get("SECURELOGIN_BROWSER_WORK", "build/dev/tests/browser/work")).resolve()
SHOWN = {"with-script-proof.png": "register.png", "with-script-login.png": "login.png", "with-script-account.png": "account.png"}
TIMEOUT = 300  # seconds; the journey waits for a new code up to thirty of them
kept_in = None


class Journey(TestCase):
    def test_from_an_invitation_to_a_changed_password(self):
        subprocess.run([HERE / "install", WORK], check=True)
        pictures = WORK / "journey"
        shutil.rmtree(pictures, ignore_errors=True)
        invited = json.loads(self.place.admin("user", "invite", "carol", "--json").stdout)
        with Daemon(self.place, web=1) as daemon:
            journey = subprocess.run(["node", "journey.mjs", f"https://{daemon.web[0]}", invited["invitation"], pictures],
                                     cwd=WORK, capture_output=True, text=True, timeout=TIMEOUT)
            self.assertEqual(0, journey.returncode, journey.stdout + journey.stderr + daemon.stderr.text())
            print(journey.stdout, end="")
            daemon.wait_for_event("login", reason="replayed_code", user="carol", door="web")
            granted = [event for event in daemon.events() if event["event"] == "login" and event["outcome"] == "granted"]
            self.assertEqual(["carol", "carol"], [event["user"] for event in granted])
            self.assertEqual(0, daemon.stop())
        if kept_in:
            for picture, name in SHOWN.items():
                shutil.copyfile(pictures / picture, kept_in / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=pathlib.Path, metavar="DIRECTORY")
    options, rest = parser.parse_known_args()
    if options.pictures:
        kept_in = options.pictures.resolve()
        kept_in.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
