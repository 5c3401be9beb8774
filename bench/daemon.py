"""A securelogind of its own for one measurement, and what the kernel says about it."""

import pathlib
import re
import subprocess
import time

_LISTENING = re.compile(r"^listening on \S+:(\d+) \((TLS|plain|HTTPS|HTTP)\b", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s*(\d+) kB$", re.MULTILINE)
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")


class Daemon:
    """Runs from construction to the end of the `with` block; `start_ms` is from its start to `listening`."""

    def __init__(self, program: pathlib.Path, data: pathlib.Path, plain: bool = False, web: bool = False,
                 beside: pathlib.Path | None = None, settings: str = "", verify: pathlib.Path | None = None):
        """`beside` is where its settings and log go; else beside `data`.  Without `settings`: the defaults, whatever this
        host's own settings say."""
        place = beside or data.parent
        self.settings = place / "settings.toml"
        self.settings.write_text(settings)
        self._log = place / "securelogind.log"
        command = [program, "--config", self.settings, "--data", data, "--listen", "127.0.0.1:0"]
        if plain:
            command += ["--listen-plain", "127.0.0.1:0"]
        if web:
            command += ["--listen-web", "127.0.0.1:0"]
        if verify:
            command += ["--listen-verify", f"unix:{verify}"]
        with self._log.open("wb") as stderr:
            begin = time.monotonic()
            self._process = subprocess.Popen(command, stderr=stderr)
        self.ports = self._await_ports()
        self.start_ms = (time.monotonic() - begin) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=30)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _await_ports(self) -> dict[str, int]:
        """By `TLS`, `plain`, `HTTPS` and `HTTP`.  All are announced at once."""
        for _ in range(200_000):
            found = _LISTENING.findall(self._log.read_text(errors="replace"))
            if found:
                return {kind: int(port) for port, kind in found}
            if self._process.poll() is not None:
                break
            time.sleep(0.0001)
        self._process.kill()
        raise RuntimeError("securelogind did not start: " + self._log.read_text(errors="replace"))

    def resident_in_all_kib(self) -> int:
        """As the kernel counts it: arenas, and mapped pages of programs and database included.  Anybody may ask."""
        return int(_RESIDENT.search(pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])

    def resident_kib(self) -> tuple[int, int]:
        """Resident memory without arenas and without mapped pages of the database; and the arenas.

        An arena is told by the advice that nothing else in the daemon gives: huge pages ("hg" in VmFlags)."""
        other = arenas = 0
        for name, fields in _mappings(self.pid):
            rss = int(fields["Rss"].split()[0])
            if "hg" in fields["VmFlags"].split():
                arenas += rss
            elif "/securelogin.db" not in name:
                other += rss
        return other, arenas


def _mappings(pid: int):
    """Each mapping's name, and its fields as proc(5) has them for smaps."""
    name, fields = "", {}
    for line in _smaps(pid).splitlines():
        if mapping := _MAPPING.match(line):
            if fields:
                yield name, fields
            name, fields = mapping[1], {}
        else:
            key, _, value = line.partition(":")
            fields[key] = value
    yield name, fields


def _smaps(pid: int) -> str:
    """The daemon lets nobody look into it but root."""
    path = f"/proc/{pid}/smaps"
    try:
        return pathlib.Path(path).read_text()
    except PermissionError:
        read = subprocess.run(["sudo", "-n", "cat", path], capture_output=True, text=True)
        if read.returncode != 0:
            raise PermissionError(f"reading {path}: run as root, or where sudo asks for no password")
        return read.stdout
