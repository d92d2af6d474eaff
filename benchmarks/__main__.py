"""``./dev bench``: measures, and prints a table for each job."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
        help="beside other packages too, in an environment of their own (.bench-venv)",
    )
    return parser.parse_args(arguments)


PEERS_VENV = ROOT / ".bench-venv"


def with_peers(arguments: list[str]) -> None:
    """Become the same command in an environment that has the peers."""
    python = PEERS_VENV / "bin" / "python"
    wanted = ROOT / "benchmarks" / "requirements-peers.txt"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS_VENV)], check=True)
    pip = [str(python), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, "-e", f"{ROOT}[s3]"], check=True)
    for line in wanted.read_text().splitlines():
        peer = line.partition("#")[0].strip()
        # One that does not install, or not beside this Django, is named and left out.
        if peer and subprocess.run([*pip, peer], capture_output=True).returncode:
            print(f"{peer} does not install here; its ways are left out.")
    rest = [word for word in arguments if word != "--peers"]
    os.execv(python, [str(python), "-m", "benchmarks", *rest])


def beside_postgres(arguments: list[str]) -> None:
    """Become the same command beside a PostgreSQL of its own."""
    words = [sys.executable, "tests/servers.py", "--postgres", "--"]
    os.chdir(ROOT)
    os.execv(sys.executable, [*words, sys.executable, "-m", "benchmarks", *arguments])


def main(arguments: list[str]) -> int:
    options = options_of(arguments)
    if options.peers:
        with_peers(arguments)
    if not options.sqlite and "DATABASE_URL" not in os.environ:
        beside_postgres(arguments)
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    with tempfile.TemporaryDirectory(prefix="digitalstore-bench-") as folder:
        os.environ["BENCH_DIR"] = folder
        if options.sqlite:
            os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        for text in run(options.job, rows=options.rows, rounds=options.rounds):
            print(text, flush=True)
    return 0


def run(wanted: list[str], *, rows: int | None, rounds: int) -> Iterator[str]:
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
    from benchmarks.seed import seed

    vendor = connection.vendor
    shop = seed(rows or ROWS[vendor], lambda text: print(text, file=sys.stderr, flush=True))
    versions = f"Django {django.__version__}, Python {sys.version.split()[0]}, {vendor}"
    yield f"{shop.rows:,} orders and purchases, {versions}, {rounds} rounds\n"
    yield from measured(shop, wanted, rounds=rounds)


GROUPS = ("ownership", "pages", "money", "delivery", "conveniences")


def measured(shop: object, wanted: list[str], *, rounds: int) -> Iterator[str]:
    """Yield a table for each job that is wanted; all, where none is named."""
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
                yield table(job, measure(job, rounds=rounds))
    if not wanted or "memory" in wanted:
        from benchmarks.jobs.delivery import memory

        yield memory()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
