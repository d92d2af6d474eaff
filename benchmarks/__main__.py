"""``./dev bench``: measures, and prints a table for each job."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
ROWS = {"postgresql": 1_000_000, "sqlite": 20_000}

DESCRIPTION = """\
Measures what the suite costs, beside the least that Django and the database need for the same job:
interleaved, in one process, medians. Times are this machine's; ratios carry over.

On a PostgreSQL of its own, which is started, filled and thrown away. Without one: --sqlite.
"""


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "./dev bench",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("job", nargs="*", help="all, if you don't say; part of a name will do")
    parser.add_argument("--rows", type=int, help="orders in the shop; 1000000, 20000 on SQLite")
    parser.add_argument("--rounds", type=int, default=25, help="25 if you don't say")
    parser.add_argument("--sqlite", action="store_true", help="no server; other ratios")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="beside other packages too, in environments of their own (.bench-venv*)",
    )
    return parser.parse_args(arguments)


PEERS_VENV = ROOT / ".bench-venv"
#: django-oscar's pins are its own affair.
OSCAR_VENV = ROOT / ".bench-venv-oscar"


def installed(folder: Path, *first: str, requirements: str) -> str:
    """Return the Python of an environment that holds what installs here of a file of packages."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "-q"]
    if first:
        subprocess.run([*pip, *first], check=True)
    for line in (ROOT / "benchmarks" / requirements).read_text().splitlines():
        peer = line.partition("#")[0].strip()
        # One that does not install, or not beside this Django, is named and left out.
        if peer and subprocess.run([*pip, peer], capture_output=True).returncode:
            print(f"{peer} does not install here; its ways are left out.", flush=True)
    return str(python)


def with_peers(arguments: list[str]) -> None:
    """Become the same command in an environment that has the peers."""
    installed(OSCAR_VENV, requirements="requirements-oscar.txt")
    suite = ["-e", f"{ROOT}[s3]"]
    python = installed(PEERS_VENV, *suite, requirements="requirements-peers.txt")
    os.execv(python, [python, "-m", "benchmarks", *arguments])


def beside_postgres(arguments: list[str]) -> None:
    """Become the same command beside a PostgreSQL of its own."""
    words = [sys.executable, "tests/servers.py", "--postgres", "--"]
    os.chdir(ROOT)
    os.execv(sys.executable, [*words, sys.executable, "-m", "benchmarks", *arguments])


def main(arguments: list[str]) -> int:
    options = options_of(arguments)
    if options.peers and not (PEERS_VENV.exists() and PEERS_VENV.samefile(sys.prefix)):
        with_peers(arguments)
    if not options.sqlite and "DATABASE_URL" not in os.environ:
        beside_postgres(arguments)
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    with tempfile.TemporaryDirectory(prefix="digitalstore-bench-") as folder:
        os.environ["BENCH_DIR"] = folder
        if options.sqlite:
            os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        for text in run(
            options.job, rows=options.rows, rounds=options.rounds, with_oscar=options.peers
        ):
            print(text, flush=True)
    return 0


def run(
    wanted: list[str], *, rows: int | None, rounds: int, with_oscar: bool = False
) -> Iterator[str]:
    """Fill the database that is configured, which must be empty, and yield a table per job."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.introspection.table_names():
        raise SystemExit(
            "./dev bench – the database has tables already – it fills one that is empty, and "
            "leaves it full: unset DATABASE_URL, and it takes one of its own."
        )
    call_command("migrate", verbosity=0)
    # Then the apps that are told to have no migrations: they point at tables of those that have.
    call_command("migrate", run_syncdb=True, verbosity=0)
    from benchmarks.seed import seed

    vendor = connection.vendor
    shop = seed(rows or ROWS[vendor], lambda text: print(text, file=sys.stderr, flush=True))
    versions = f"Django {django.__version__}, Python {sys.version.split()[0]}, {vendor}"
    yield f"{shop.rows:,} orders and purchases, {versions}, {rounds} rounds\n"
    costs: Costs = {}
    yield from measured(shop, wanted, rounds=rounds, costs=costs)
    if with_oscar:
        yield beside_oscar(wanted, rounds=rounds, costs=costs)


GROUPS = ("ownership", "pages", "money", "delivery", "conveniences")
#: Of each job and way, what ``runner.Measured`` holds: seconds, those in SQL, ratio, statements.
Costs = dict[str, dict[str, tuple[float, float, float, int]]]


def measured(shop: object, wanted: list[str], *, rounds: int, costs: Costs) -> Iterator[str]:
    """Yield a table for each job that is wanted; all, where none is named. Note the costs."""
    from benchmarks.runner import Skip, measure, table

    for group in GROUPS:
        jobs = importlib.import_module(f"benchmarks.jobs.{group}").JOBS
        for name, prepare in jobs.items():
            if wanted and not any(word in name for word in wanted):
                continue
            try:
                job = prepare(shop)
            except Skip as skipped:
                yield f"{name} is left out: {skipped}\n"
            else:
                found = measure(job, rounds=rounds)
                costs[name] = {m.way: (m.seconds, m.waited, m.ratio, m.sql) for m in found}
                yield table(job, found)
    if not wanted or "memory" in wanted:
        from benchmarks.jobs.delivery import memory

        yield memory()


def beside_oscar(wanted: list[str], *, rounds: int, costs: Costs) -> str:
    """Return the tables of django-oscar: a process and an environment of its own, the same server.

    It is told what the suite cost, so that ratios to the two floors stand in one table.
    """
    python = OSCAR_VENV / "bin" / "python"
    if not python.exists():
        return "django-oscar is not installed here: `./dev bench --peers`.\n"
    from django.db import connection

    address = f"sqlite:///{os.environ['BENCH_DIR']}/oscar.sqlite3"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE oscar")
        address = urlsplit(os.environ["DATABASE_URL"])._replace(path="/oscar").geturl()
    done = subprocess.run(
        [str(python), "-m", "benchmarks.oscar", str(rounds), *wanted],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": address,
            "DJANGO_SETTINGS_MODULE": "benchmarks.oscar.settings",
        },
        input=json.dumps(costs),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
