"""nginx, Caddy and Apache in front of a store, each as the how-to says that it is written."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.store import ROOT, wait_for_port

__all__ = ["APACHE", "CADDY", "NGINX", "WebServer"]

PAGE = ROOT / "docs" / "how-to" / "serve-files-with-nginx-caddy-apache.md"
#: Where the page has the files, and the site.
FILES, SITE = "/srv/shop/digitalstore-files", "127.0.0.1:8000"


@dataclass(frozen=True)
class WebServer:
    """A web server: its program, how its snippet is known in the page, and what runs it here."""

    name: str
    programs: tuple[str, ...]
    packages: str
    #: How its snippet begins, and what stands there for its address: on the page, and here.
    begins: str
    address: str
    here: str
    #: What surrounds the snippet, and how the program is called.
    around: str
    command: tuple[str, ...]

    def program(self) -> str:
        """Return the program; skip the test where it is not installed."""
        for found in filter(None, map(shutil.which, self.programs)):
            return found
        for folder in ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"):
            for name in self.programs:
                if Path(folder, name).is_file():
                    return f"{folder}/{name}"
        pytest.skip(
            f"{self.name} is absent: on Debian write "
            f"`apt install --no-install-recommends {self.packages}`"
        )

    def snippet(self) -> str:
        """Return what the page says to write into its configuration."""
        (found,) = (block for block in _blocks() if block.startswith(self.begins))
        return found

    def delivery(self) -> str:
        """Return the entry ``default`` that the page says to write into the settings, as JSON."""
        before = itertools.takewhile(lambda block: not block.startswith(self.begins), _blocks())
        *_, setting = (block for block in before if block.startswith("DIGITALSTORE_DELIVERY = "))
        return json.dumps(ast.literal_eval(setting.partition(" = ")[2])["default"])

    @contextmanager
    def in_front_of(self, port: int, files: Path, listen: int, folder: Path) -> Iterator[None]:
        """Serve the site on ``port``, and its ``files``, at the port ``listen``."""
        program, written = self.program(), self.snippet()
        here = self.here.format(port=listen)
        for there, then in ((self.address, here), (SITE, f"127.0.0.1:{port}"), (FILES, str(files))):
            assert there in written
            written = written.replace(there, then)
        folder.mkdir()
        for name in ("config", "log"):
            (folder / name).touch()
        around = self.around.format(folder=folder, port=listen, user=_user(self.name))
        (folder / "config").write_text(around.replace("SNIPPET", written))
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen(
                [program, *(part.format(folder=folder) for part in self.command)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(folder)},
            )
        try:
            wait_for_port(listen, process, folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(15)


def _blocks() -> list[str]:
    """Return the blocks of code of the page, in their order."""
    text = PAGE.read_text("utf-8")
    return re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _user(name: str) -> str:
    """Return the line that makes workers give up root, who must not be needed to read the files."""
    if os.geteuid() != 0:
        return ""
    return {"nginx": "user nobody nogroup;", "Apache": "User nobody\nGroup nogroup"}.get(name, "")


# Without buffering, nginx cannot take the site's own bytes off its hands: what leaves the site free
# is X-Accel-Redirect alone.
NGINX = WebServer(
    name="nginx",
    programs=("nginx",),
    packages="nginx",
    begins="server {",
    address="listen 80;",
    here="listen 127.0.0.1:{port};",
    around="""\
daemon off;
{user}
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
access_log off;
proxy_buffering off;
client_body_temp_path {folder}/body;
proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi;
SNIPPET
}}
""",
    command=("-e", "stderr", "-p", "{folder}", "-c", "{folder}/config"),
)
CADDY = WebServer(
    name="Caddy",
    programs=("caddy",),
    packages="caddy",
    begins="shop.example.com {",
    address="shop.example.com {",
    here="http://:{port} {{",
    around="{{\nadmin off\nauto_https off\n}}\nSNIPPET",
    command=("run", "--adapter", "caddyfile", "--config", "{folder}/config"),
)
APACHE = WebServer(
    name="Apache",
    programs=("apache2", "httpd"),
    packages="apache2-bin libapache2-mod-xsendfile",
    begins="<VirtualHost",
    address="<VirtualHost *:80>",
    here="<VirtualHost *:{port}>",
    around="""\
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog /dev/stderr
ServerName localhost
Listen 127.0.0.1:{port}
{user}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule xsendfile_module /usr/lib/apache2/modules/mod_xsendfile.so
SNIPPET""",
    command=("-D", "FOREGROUND", "-f", "{folder}/config"),
)
