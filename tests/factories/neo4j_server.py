"""A real Neo4j for the tests: the one that NEO4J_URL names, else Community Edition started here on loopback.

    pytest -m neo4j                                       # needs Java 17 and Maven, or:
    NEO4J_URL=bolt://… NEO4J_PASSWORD=… pytest -m neo4j   # a server whose content these tests may remove
    NEO4J_TEST_VERSION=2026.08.1 pytest -m neo4j          # another version than the long-term one; needs Java 21

The jars come from Maven's repository, once, into .cache/neo4j below the checkout; the server is the very class that
Neo4j's own start script runs, with its files in a temporary folder. Without Java or Maven the tests are skipped and say
so; with REQUIRE_NEO4J=1 that is a failure.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from neo4j.exceptions import DatabaseUnavailable

from ringtrace.errors import RingTraceError
from ringtrace.graph.neo4j.server import Address, connected

VERSION = os.environ.get("NEO4J_TEST_VERSION", "5.26.30")
PASSWORD = "only-for-tests"
CACHE = Path(__file__).parents[2] / ".cache" / "neo4j" / VERSION
_START_SECONDS = 120

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ringtrace</groupId><artifactId>neo4j-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j-bolt</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""

# What Neo4j's own start script runs.
_MAIN = f"org.neo4j.server.{'CommunityEntryPoint' if VERSION.startswith('5.') else 'Neo4jCommunity'}"

# A server that lives for a minute: most of its time went into optimising code that runs once, and into a collector
# that wants more cores than a desktop has.
_BRIEF = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

# As in Neo4j's start script: its page cache and network layer reach into these packages.
_OPENS = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "java.io", "sun.nio.ch")]


class Neo4jServer:
    """A server started here; `stop` kills it as kill -9 would. One that is not `brief` runs as an office's would."""

    def __init__(self, home: Path, *, settings: Sequence[str] = (), heap: str = "1g", brief: bool = True) -> None:
        self.home = home
        self._options = _BRIEF if brief else []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = Address(f"bolt://127.0.0.1:{port}", password=PASSWORD)
        self._heap = heap
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("conf", "data", "logs", "plugins", "import"):
            (home / name).mkdir(parents=True, exist_ok=True)
        lines = [
            f"server.bolt.listen_address=127.0.0.1:{port}",
            "server.http.enabled=false",
            "server.https.enabled=false",
            "server.memory.pagecache.size=256m",
            "dbms.usage_report.enabled=false",
            *settings,
        ]
        self.configure(*lines)
        self.admin("dbms", "set-initial-password", PASSWORD)

    def configure(self, *lines: str) -> None:
        """Add settings; they count from the next start on."""
        with (self.home / "conf" / "neo4j.conf").open("a") as stream:
            stream.writelines(f"{line}\n" for line in lines)

    def admin(self, *arguments: str, cwd: Path | None = None) -> None:
        """Run `neo4j-admin` on this server's files."""
        environment = os.environ | {"NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")}
        subprocess.run(
            ["java", "-Xmx1g", *self._options, *_OPENS, "-cp", f"{jars()}/*", "org.neo4j.cli.AdminTool", *arguments],
            env=environment, check=True, stdout=subprocess.DEVNULL, cwd=cwd or self.home,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = self.home / "logs" / "console.log"
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                ["java", f"-Xmx{self._heap}", *self._options, *_OPENS, "-Dio.netty.tryReflectionSetAccessible=true",
                 "-cp", f"{jars()}/*", _MAIN,
                 f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}"],
                stdout=stream, stderr=subprocess.STDOUT,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        host, port = self.address.url.removeprefix("bolt://").split(":")
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection((host, int(port)), timeout=1):
                    pass
                with connected(self.address) as driver:
                    driver.execute_query("RETURN 1")
            except OSError:
                time.sleep(0.2)
            except RingTraceError as error:
                # The port opens before the database behind it does.
                if not isinstance(error.__cause__, DatabaseUnavailable):
                    raise
                time.sleep(0.2)
            else:
                return
        self.stop()
        raise RuntimeError(f"Neo4j did not start:\n{log.read_text('utf-8')[-4000:]}")

    def processor_seconds(self) -> float:
        """What the running server has used of the processor (Linux only)."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def jars() -> Path:
    """The folder of Neo4j's jars; Maven fetches them the first time, and other test processes wait for that."""
    folder = CACHE / "jars"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / "complete").exists():
            (CACHE / "pom.xml").write_text(_POM)
            subprocess.run(
                ["mvn", "-B", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"],
                cwd=CACHE, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            (CACHE / "complete").touch()
    return folder


@cache
def _started() -> Neo4jServer:
    home = Path(tempfile.mkdtemp(prefix="ringtrace-neo4j-"))
    server = Neo4jServer(home)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(server.stop)
    server.start()
    return server


def need_java() -> None:
    """Skip the test without Java or Maven, or fail it under REQUIRE_NEO4J=1."""
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if not missing:
        return
    reason = f"Neo4j needs {' and '.join(missing)}, or NEO4J_URL naming a server"
    if os.environ.get("REQUIRE_NEO4J") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def address() -> Address:
    """Where the test session's server is; started by the first test that asks."""
    if url := os.environ.get("NEO4J_URL"):
        return Address(url, user=os.environ.get("NEO4J_USER", "neo4j"), password=os.environ.get("NEO4J_PASSWORD", ""))
    need_java()
    return _started().address


def emptied() -> Address:
    """The session's server without any node; constraints stay, since making them anew takes seconds."""
    found = address()
    with connected(found) as driver, driver.session() as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()
    return found
