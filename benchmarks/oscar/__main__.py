"""``./dev bench --peers`` runs this in django-oscar's environment, after the suite's own jobs.

On standard input it is given what the suite cost, as JSON: ``{job: {way: [seconds, ×, SQL]}}``.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any


def main(arguments: list[str]) -> int:
    rounds, *wanted = arguments
    if importlib.util.find_spec("oscar") is None:
        print("django-oscar does not install here; its jobs are left out.")
        return 0
    warnings.simplefilter("ignore")
    for text in run(wanted, rounds=int(rounds), costs=json.load(sys.stdin)):
        print(text, flush=True)
    return 0


def run(wanted: list[str], *, rounds: int, costs: dict[str, Any]) -> Iterator[str]:
    """Fill the database that is configured, which must be empty, and yield a table per job."""
    import django

    django.setup()
    from django.core.management import call_command

    from benchmarks.oscar.jobs import BESIDE, JOBS, OURS
    from benchmarks.runner import Measured, measure, table

    chosen = [name for name in JOBS if not wanted or any(word in name for word in wanted)]
    if not chosen:
        return
    import oscar

    call_command("migrate", verbosity=0)
    yield f"django-oscar {oscar.get_version()}, Django {django.__version__}\n"
    for name in chosen:
        job = JOBS[name]()
        measured = measure(job, rounds=rounds)
        beside, way = BESIDE.get(name, ("", ""))
        if way in costs.get(beside, {}):
            measured.append(Measured(OURS, *costs[beside][way]))
        yield table(job, measured)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
