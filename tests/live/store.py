"""A host project in processes of its own: its database, its server, and scripts run inside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

ROOT = Path(__file__).parents[2]


class Store:
    """A host project with its own database, reachable at ``url`` while its server runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
            "DATABASE_URL": self._database_url(),
            "SITE_URL": self.url,
            "DATA_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        }
        if connection.vendor == "sqlite":
            self.manage("migrate", "--verbosity=0")

    def _database_url(self) -> str:
        """Name the test database where other processes can open it, else a file of its own."""
        if connection.vendor == "sqlite":
            return f"sqlite:///{self.folder}/db.sqlite3"
        # DATABASE_URL says how to reach the server; the test runner renamed the database.
        url = urlsplit(os.environ["DATABASE_URL"])
        return urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))

    def manage(self, *arguments: str) -> str:
        """Run a management command in a process of its own."""
        return self._run([sys.executable, "-m", "django", *arguments])

    def script(self, name: str, *arguments: str) -> Any:
        """Run ``tests/live/<name>.py`` in the project and return the JSON that it prints."""
        return json.loads(self._run([sys.executable, "-m", f"tests.live.{name}", *arguments]))

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def gunicorn(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Serve with gunicorn; yield its master process."""
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", *options]
        with self._serving([*command, "tests.live.wsgi"]) as master:
            yield master

    @contextmanager
    def uvicorn(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Serve with uvicorn, by ASGI; yield its one process."""
        command = [sys.executable, "-m", "uvicorn", "--host=127.0.0.1", f"--port={self.port}"]
        with self._serving(
            [*command, "--lifespan=off", *options, "tests.live.asgi:application"]
        ) as it:
            yield it

    @contextmanager
    def runserver(self, *options: str) -> Iterator[None]:
        """Serve with Django's development server."""
        command = [sys.executable, "-m", "django", "runserver", "--noreload", *options]
        with self._serving([*command, f"127.0.0.1:{self.port}"]):
            yield

    @contextmanager
    def _serving(self, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        log = self.folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                wait_for_port(self.port, process, log)
                yield process
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers, at most half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"The server did not start:\n{log.read_text()}")
