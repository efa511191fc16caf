"""Fixtures for the servers; each test process starts those it asks for, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest

from tests.services import ironmq, mariadb, mongo, postgres, topologies, unavailable, valkey


class StartValkey(Protocol):
    """Starts a Valkey server that one test has for itself."""

    def __call__(self, *, port: int = ..., is_redis: bool = ..., **options: str) -> valkey.ValkeyServer:
        """Return a running server with these lines of configuration."""


class StartIron(Protocol):
    """Starts a stand-in of IronMQ that one test has for itself."""

    def __call__(self, **options: Any) -> ironmq.IronServer:
        """Return a running server with these options of ``IronServer``."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """Give a PostgreSQL server that this test process has for itself."""
    try:
        with postgres.running() as server:
            yield server
    except postgres.Missing as error:
        unavailable(str(error))


@pytest.fixture
def postgres_database(postgres_server: postgres.PostgresServer) -> Iterator[dict[str, Any]]:
    """Give a new, empty PostgreSQL database as an entry of Django's ``DATABASES``."""
    name = postgres_server.create_database()
    yield postgres_server.settings(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[mariadb.MariaServer]:
    """Give a MariaDB server that this test process has for itself."""
    try:
        with mariadb.running() as server:
            yield server
    except mariadb.Missing as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[valkey.ValkeyServer]:
    """Give a Valkey server that this test process has for itself; each test takes another database number."""
    try:
        with valkey.running() as server:
            yield server
    except valkey.Missing as error:
        unavailable(str(error))


@pytest.fixture
def mariadb_database(mariadb_server: mariadb.MariaServer) -> Iterator[dict[str, Any]]:
    """Give a new, empty MariaDB database as an entry of Django's ``DATABASES``."""
    name = mariadb_server.create_database()
    yield mariadb_server.settings(name)
    mariadb_server.drop_database(name)


@pytest.fixture
def start_valkey() -> Iterator[StartValkey]:
    """Start Valkey servers that the test may kill and freeze."""
    with ExitStack() as stack:

        def start(*, port: int = 0, is_redis: bool = False, **options: str) -> valkey.ValkeyServer:
            try:
                return stack.enter_context(valkey.running(port=port, is_redis=is_redis, **options))
            except valkey.Missing as error:
                unavailable(str(error))

        yield start


@pytest.fixture(scope="session")
def redis_server() -> Iterator[valkey.ValkeyServer]:
    """Give a Redis server that this test process has for itself; each test takes another database number."""
    try:
        with valkey.running(is_redis=True) as server:
            yield server
    except valkey.Missing as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[topologies.ValkeyCluster]:
    """Give a cluster that this test process has for itself; a test that kills or pauses it puts it right again."""
    try:
        with topologies.cluster() as cluster:
            yield cluster
    except valkey.Missing as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def valkey_sentinel() -> Iterator[topologies.SentinelGroup]:
    """Give a primary under Sentinel without a replica; a test that kills or pauses it puts it right again."""
    try:
        with topologies.sentinel() as group:
            yield group
    except valkey.Missing as error:
        unavailable(str(error))


@pytest.fixture
def valkey_pair() -> Iterator[topologies.SentinelGroup]:
    """Give a primary with a replica under Sentinel, both with a password, that the test may kill."""
    try:
        with topologies.sentinel(has_replica=True, password="s3cr3t-p4ss") as group:
            yield group
    except valkey.Missing as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def iron_server() -> Iterator[ironmq.IronServer]:
    """Give a stand-in of IronMQ that this test process has for itself; each test takes another queue."""
    with ironmq.running() as server:
        yield server


@pytest.fixture
def start_iron() -> Iterator[StartIron]:
    """Start stand-ins of IronMQ that the test may kill, freeze and let misbehave."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(ironmq.running(**options))


class StartMongo(Protocol):
    """Starts a server of MongoDB's protocol that one test has for itself."""

    def __call__(self, kind: str = ..., *flags: str) -> mongo.MongoServer:
        """Return a running server with these flags."""


@pytest.fixture(scope="session")
def secantus_server() -> Iterator[mongo.MongoServer]:
    """Give a SecantusDB server that this test process has for itself; each test takes another database."""
    try:
        with mongo.running(mongo.SECANTUS) as server:
            yield server
    except mongo.Missing as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def nx_server() -> Iterator[mongo.MongoServer]:
    """Give an NX-27017 server that this test process has for itself; each test takes another database."""
    try:
        with mongo.running(mongo.NX) as server:
            yield server
    except mongo.Missing as error:
        unavailable(str(error))


@pytest.fixture
def start_mongo() -> Iterator[StartMongo]:
    """Start servers of MongoDB's protocol that the test may kill and freeze."""
    with ExitStack() as stack:

        def start(kind: str = mongo.SECANTUS, *flags: str) -> mongo.MongoServer:
            try:
                return stack.enter_context(mongo.running(kind, *flags))
            except mongo.Missing as error:
                unavailable(str(error))

        yield start
