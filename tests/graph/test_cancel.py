"""A query that its user no longer waits for: ended by an event, and by Ctrl-C in the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Timer
from time import perf_counter, sleep

import pytest
from factories import neo4j_server
from factories.city import City
from factories.engines import ENGINES, opened

from ringtrace.errors import RingTraceError
from ringtrace.graph import open_graph
from ringtrace.graph.ladybug.store import LadybugStore
from ringtrace.graph.neo4j.server import connected
from ringtrace.graph.store import GraphStore
from ringtrace.workspace import Workspace

ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    city = City()
    city.visit("p1", "S1", "2025-03-01 08:00:00")
    return city.workspace(tmp_path_factory.mktemp("cancel"))


@pytest.fixture(scope="module", params=ENGINES)
def graph(workspace: Workspace, request: pytest.FixtureRequest) -> Iterator[GraphStore]:
    with opened(request.param, workspace) as store:
        yield store


@pytest.fixture
def ladybug(workspace: Workspace) -> Iterator[LadybugStore]:
    with opened("ladybug", workspace) as store:
        assert isinstance(store, LadybugStore)
        yield store


def test_a_query_is_ended_when_its_user_asks(graph: GraphStore) -> None:
    cancel = Event()
    Timer(1.0, cancel.set).start()
    started = perf_counter()
    with pytest.raises(RingTraceError, match="stopped as asked"):
        graph.run_cypher(ENDLESS, timeout=120, cancel=cancel)
    assert perf_counter() - started < 20
    assert graph.run_cypher("RETURN 1", cancel=Event()).rows == ((1,),)
    with pytest.raises(RingTraceError, match="stopped as asked"):
        graph.run_cypher(ENDLESS, timeout=120, cancel=cancel)


def test_a_query_that_waits_for_another_is_ended_too(ladybug: LadybugStore) -> None:
    first, second = Event(), Event()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(ladybug.run_cypher, ENDLESS, timeout=120, cancel=first)
        waiting = pool.submit(ladybug.run_cypher, "RETURN 1", cancel=second)
        second.set()
        assert isinstance(waiting.exception(timeout=20), RingTraceError | None)
        first.set()
        assert isinstance(running.exception(timeout=20), RingTraceError)


def test_where_no_process_can_be_limited_the_connection_is_interrupted(ladybug: LadybugStore) -> None:
    ladybug._worker = None
    cancel = Event()
    Timer(1.0, cancel.set).start()
    with pytest.raises(RingTraceError, match="stopped as asked"):
        ladybug.run_cypher(ENDLESS, timeout=120, cancel=cancel)


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_ends_command_and_query(workspace: Workspace, engine: str) -> None:
    environment = os.environ | {"RINGTRACE_GRAPH": "embedded"}
    opened(engine, workspace).close()
    if engine == "neo4j":
        address = neo4j_server.address()
        environment |= {"RINGTRACE_GRAPH": address.url, "NEO4J_USER": address.user, "NEO4J_PASSWORD": address.password}
    # Tests that were started in the background inherit an ignored Ctrl-C, and would pass it on.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program = f"{listening}from ringtrace.cli import main; main()"
    command = [sys.executable, "-c", program, "query", "run", "-", "--timeout", "120"]
    with subprocess.Popen(
        [*command, "-w", str(workspace.path)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(ENDLESS)
        process.stdin.close()
        process.stdin = None
        sleep(15)  # the query must run by then, on a busy machine too: what comes before it ends otherwise
        os.killpg(process.pid, signal.SIGINT)
        started = perf_counter()
        shown, said = process.communicate(timeout=120)
    assert perf_counter() - started < 15
    assert process.returncode not in (0, -signal.SIGKILL), (shown, said)
    assert "Traceback" not in said
    if engine == "neo4j":
        with connected(address) as driver:
            for _ in range(100):
                listed = driver.execute_query("SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery").records
                if not any("1000000" in (each["currentQuery"] or "") for each in listed):
                    return
                sleep(0.1)
            pytest.fail("the query still runs on the server")
    with open_graph(workspace) as store:
        assert store.run_cypher("RETURN 1").rows == ((1,),)
