"""A Redis of a test's own, to be stopped and started again while a site asks it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ServerMissing, redis


class RedisServer:
    """``caches`` is what to write for it in ``CACHES``, running or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._running: AbstractContextManager[str] | None = None

    @property
    def caches(self) -> dict[str, Any]:
        backend = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": self.url}
        return {"default": backend}

    def start(self) -> None:
        """Start it, empty, where it was before."""
        self._running = redis(self.folder)
        self.url = self._running.__enter__()

    def stop(self) -> None:
        """Kill it: connections break off, new ones are refused."""
        if self._running is not None:
            self._running.__exit__(None, None, None)
            self._running = None
            shutil.rmtree(self.folder / "redis")


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Give a running Redis that only this test has."""
    pytest.importorskip("django_redis")
    # Not tmp_path, which may be longer than the path of a socket can be.
    with tempfile.TemporaryDirectory(prefix="ds-") as folder:
        server = RedisServer(Path(folder))
        try:
            server.start()
        except ServerMissing as missing:
            pytest.skip(f"Redis is absent: {missing}")
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(params=["local memory", "redis"])
def any_cache(request: pytest.FixtureRequest, settings: Any) -> str:
    """Run the test on the site's cache, which is of this process, and on a Redis of its own."""
    if request.param == "redis":
        settings.CACHES = request.getfixturevalue("redis_server").caches
    return str(request.param)
