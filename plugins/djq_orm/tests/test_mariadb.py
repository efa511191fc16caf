"""What is peculiar to MariaDB: gaps that are locked, deadlocks, large statements, names, clocks, and no bell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connections, transaction

from djq_core.brokers.leases import Lease
from djq_core.exceptions import BrokerError
from djq_orm.broker import OrmBroker
from djq_orm.stores import store_for
from djq_orm.stores.base import Claimed, Store
from djq_orm.stores.mysql import MySQLStore
from tests.services.mariadb import MariaServer

MakeBroker = Callable[..., OrmBroker]
Configure = Callable[[dict[str, Any]], AbstractContextManager[str]]
KIBI = 1024


@pytest.fixture
def store(mariadb_alias: str) -> MySQLStore:
    store = store_for(mariadb_alias)
    assert isinstance(store, MySQLStore)
    return store


@pytest.fixture
def broker(mariadb_alias: str, make_broker: MakeBroker) -> OrmBroker:
    return make_broker()


@pytest.fixture
def with_options(
    mariadb_database: dict[str, Any], django_db_blocker: Any, configure: Configure
) -> Callable[..., AbstractContextManager[MySQLStore]]:
    """Give a maker of stores whose connections have further options."""

    @contextmanager
    def make(**options: Any) -> Iterator[MySQLStore]:
        database = {**mariadb_database, "OPTIONS": {**mariadb_database["OPTIONS"], **options}}
        with django_db_blocker.unblock(), configure(database) as alias:
            call_command("migrate", "djq_orm", database=alias, verbosity=0)
            yield MySQLStore(alias)

    return make


@pytest.fixture
def latin_alias(mariadb_server: MariaServer, django_db_blocker: Any, configure: Configure) -> Iterator[str]:
    """Give the alias of a database whose tables hold Latin letters where nothing else is said."""
    name = mariadb_server.create_database(charset="latin1")
    with django_db_blocker.unblock(), configure(mariadb_server.settings(name)) as alias:
        call_command("migrate", "djq_orm", database=alias, verbosity=0)
        yield alias
    mariadb_server.drop_database(name)


@contextmanager
def packets_of(server: MariaServer, size: int) -> Iterator[None]:
    """Let connections that are made from now on send no larger statement."""
    ((usual,),) = server.execute("SELECT @@max_allowed_packet")
    server.execute(f"SET GLOBAL max_allowed_packet = {size}")
    try:
        yield
    finally:
        server.execute(f"SET GLOBAL max_allowed_packet = {usual}")


def leases(rows: list[Claimed]) -> list[Lease]:
    return [Lease(str(row.pk), row.token) for row in rows]


def in_a_thread(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Act over a connection of its own; the list gets what was returned or raised."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(act())
        except DatabaseError as error:
            outcome.append(error)
        finally:
            connections["queue"].close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


class TestIndex:
    def test_a_claim_in_a_large_queue_reads_what_it_takes(self, store: MySQLStore) -> None:
        for key in ("k", "other"):
            store.insert(key, ["x"] * 4000)
        store.claim("k", 2000, 600)
        with connections["queue"].cursor() as cursor:
            cursor.execute("ANALYZE TABLE djq_orm_ormq")
            cursor.fetchall()
            cursor.execute("FLUSH STATUS")
            assert len(store.claim("k", 10, 60)) == 10
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            read = sum(int(number) for _, number in cursor.fetchall())
        assert read < 60

    def test_a_look_into_a_large_queue_reads_one_row(self, store: MySQLStore) -> None:
        store.insert("k", ["x"] * 4000)
        with connections["queue"].cursor() as cursor:
            cursor.execute("FLUSH STATUS")
            assert store.seconds_to_next("k") is not None
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            read = sum(int(number) for _, number in cursor.fetchall())
        assert read < 5


class TestLocks:
    @pytest.mark.parametrize("level", ["read committed", "repeatable read", None])
    def test_a_claim_locks_no_gap_that_a_sender_needs(
        self, with_options: Callable[..., AbstractContextManager[MySQLStore]], level: str | None
    ) -> None:
        more = {"isolation_level": level, "init_command": "SET SESSION innodb_lock_wait_timeout = 1"}
        with with_options(**more) as store:
            store.insert("k", ["a", "b"])
            with store.writing():
                assert len(store._due("k", 10)) == 2
                thread, outcome = in_a_thread(lambda: MySQLStore("queue").insert("k", ["c"]))
                thread.join()
            assert not isinstance(outcome[0], DatabaseError)
            assert [row.text for row in store.claim("k", 10, 60)] == ["a", "b", "c"]

    def test_rows_that_another_locks_are_skipped(self, store: MySQLStore) -> None:
        store.insert("k", ["a", "b", "c"])
        with store.writing():
            assert [text for _, text, *_ in store._due("k", 2)] == ["a", "b"]
            thread, outcome = in_a_thread(lambda: [row.text for row in MySQLStore("queue").claim("k", 3, 60)])
            thread.join()
        assert outcome == [["c"]]

    def test_a_lost_deadlock_is_tried_again(self, store: MySQLStore, mariadb_server: MariaServer) -> None:
        store.insert("k", ["x"] * 60)
        first, second, *others = store.claim("k", 60, 60)
        before = deadlocks(mariadb_server)
        with heavy_transaction(mariadb_server, second, others) as cursor:
            thread, outcome = in_a_thread(lambda: MySQLStore("queue").extend(leases([first, second]), 60))
            wait_for_a_lock(mariadb_server)
            cursor.execute(f"UPDATE djq_orm_ormq SET payload = 'y' WHERE id = {first.pk}")
        thread.join()
        assert deadlocks(mariadb_server) == before + 1
        assert outcome == [{first.pk, second.pk}]

    def test_a_deadlock_in_a_transaction_of_the_caller_is_the_callers(
        self, store: MySQLStore, mariadb_server: MariaServer
    ) -> None:
        store.insert("k", ["x"] * 60)
        first, second, *others = store.claim("k", 60, 60)

        def extend() -> None:
            with transaction.atomic(using="queue"):
                MySQLStore("queue").extend(leases([first, second]), 60)

        with heavy_transaction(mariadb_server, second, others) as cursor:
            thread, outcome = in_a_thread(extend)
            wait_for_a_lock(mariadb_server)
            cursor.execute(f"UPDATE djq_orm_ormq SET payload = 'y' WHERE id = {first.pk}")
        thread.join()
        assert isinstance(outcome[0], OperationalError)
        assert outcome[0].args[0] == 1213


@contextmanager
def heavy_transaction(server: MariaServer, row: Claimed, others: list[Claimed]) -> Iterator[Any]:
    """Lock a row in a transaction that has changed so much that the server ends the other one of a deadlock."""
    with server.connect(connections["queue"].settings_dict["NAME"]) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"UPDATE djq_orm_ormq SET payload = 'y' WHERE id >= {others[0].pk}")
        cursor.execute(f"UPDATE djq_orm_ormq SET payload = 'y' WHERE id = {row.pk}")
        yield cursor
        cursor.execute("COMMIT")


def deadlocks(server: MariaServer) -> int:
    ((_, number),) = server.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(number)


def wait_for_a_lock(server: MariaServer) -> None:
    is_waiting = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    until = time.monotonic() + 10
    while time.sleep(0.15) or not server.execute(is_waiting):  # the table is a picture of a tenth of a second ago
        assert time.monotonic() < until, "nobody waits for a lock"


class TestLargePackages:
    def test_one_that_the_server_would_refuse_is_refused_clearly(
        self, broker: OrmBroker, mariadb_server: MariaServer
    ) -> None:
        with packets_of(mariadb_server, 1024 * KIBI):
            connections["queue"].close()
            with pytest.raises(BrokerError, match=r"package of 2097152 bytes.*larger max_allowed_packet"):
                broker.enqueue("x" * 2048 * KIBI)
            broker.enqueue("small")
        assert [package for _, package in broker.dequeue()] == ["small"]
        assert broker.queue_size() == 0
        connections["queue"].close()

    @pytest.mark.parametrize("text", ["'" * 800 * KIBI, "\n" * 800 * KIBI, "ü" * 800 * KIBI], ids=["quote", "n", "ü"])
    def test_one_that_is_longer_on_the_way_is_refused_clearly(
        self, broker: OrmBroker, mariadb_server: MariaServer, text: str
    ) -> None:
        with packets_of(mariadb_server, 1024 * KIBI):
            connections["queue"].close()
            with pytest.raises(BrokerError, match=r"package of \d+ bytes.*larger max_allowed_packet"):
                broker.enqueue(text)
            assert broker.enqueue("small") is not None
        connections["queue"].close()

    def test_many_are_sent_in_parts_and_all_or_none(self, broker: OrmBroker, mariadb_server: MariaServer) -> None:
        texts = [letter * 300 * KIBI for letter in "abcdef"]
        with packets_of(mariadb_server, 1024 * KIBI):
            connections["queue"].close()
            ids = [int(str(pk)) for pk in broker.enqueue_many(texts)]
            with pytest.raises(BrokerError, match="max_allowed_packet"):
                broker.enqueue_many([*texts, "g" * 1024 * KIBI])
        assert ids == sorted(set(ids))
        assert [delivery.package for delivery in broker.receive(10, 0)] == texts
        connections["queue"].close()

    def test_fifty_megabytes_arrive(self, broker: OrmBroker) -> None:
        text = "0123456789abcdef" * (50 * 64 * KIBI)
        broker.enqueue(text)
        ((_, package),) = broker.dequeue()
        assert package == text


class TestNames:
    @pytest.mark.parametrize("name", ["Main", "mäin", "main "])
    def test_queues_whose_names_are_nearly_alike_never_mix(
        self, mariadb_alias: str, make_broker: MakeBroker, name: str
    ) -> None:
        make_broker("main").enqueue("a")
        assert make_broker(name).queue_size() == 0
        assert make_broker(name).dequeue() == []
        assert make_broker("main").queue_size() == 1

    def test_a_database_of_another_character_set_takes_every_package(
        self, latin_alias: str, make_broker: MakeBroker
    ) -> None:
        broker = make_broker("ključ")
        broker.enqueue("Grüße 😀")
        assert [package for _, package in broker.dequeue()] == ["Grüße 😀"]


@pytest.mark.parametrize("zone", ["+00:00", "+05:30"])
def test_the_server_s_clock_counts_whatever_its_time_zone(
    with_options: Callable[..., AbstractContextManager[MySQLStore]], zone: str
) -> None:
    with with_options(init_command=f"SET SESSION time_zone = '{zone}'") as store:
        before = time.time_ns() // 1000
        store.insert("k", ["a"])
        row = store.rows.get()
        assert before - 1000 <= row.due <= time.time_ns() // 1000
        (claimed,) = store.claim("k", 1, 60)
        row = store.rows.get()
        assert 59_000_000 < row.due - before < 61_000_000
        assert row.lock is not None
        assert abs((row.lock - datetime.now(UTC)).total_seconds()) < 60
        assert store.extend(leases([claimed]), 60) == {claimed.pk}


def test_the_clock_of_this_host_does_not_count(store: MySQLStore) -> None:
    with connections["queue"].cursor() as cursor:
        cursor.execute("SET SESSION timestamp = UNIX_TIMESTAMP() - 3600")
    store.insert("k", ["an hour ago"])
    with connections["queue"].cursor() as cursor:
        cursor.execute("SET SESSION timestamp = DEFAULT")
    left = store.seconds_to_next("k")
    assert left is not None
    assert -3601 < left < -3599
    assert Store("queue").claim("k", 1, 60)[0].text == "an hour ago"


class TestWaiting:
    def test_a_new_package_is_noticed_at_the_next_look(self, broker: OrmBroker, make_broker: MakeBroker) -> None:
        sender = make_broker()
        assert broker.receive(1, 0.05) == []
        timer = threading.Timer(0.3, in_a_thread, [lambda: sender.enqueue("x")])
        timer.start()
        began = time.monotonic()
        assert len(broker.receive(1, 3)) == 1
        assert 0.3 <= time.monotonic() - began < 2
        timer.join()

    def test_idling_costs_five_queries_a_second(self, broker: OrmBroker) -> None:
        assert broker.receive(1, 0.05) == []
        statements: list[str] = []

        def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
            statements.append(sql)
            return execute(sql, *rest)

        with connections["queue"].execute_wrapper(note):
            assert broker.receive(1, 2.0) == []
        assert 8 <= len(statements) <= 11
        assert all(sql.lstrip().startswith("SELECT") for sql in statements)

    def test_a_connection_that_the_server_has_closed_is_made_again(
        self, broker: OrmBroker, mariadb_server: MariaServer
    ) -> None:
        broker.enqueue("a")
        mariadb_server.end_connections(connections["queue"].settings_dict["NAME"])
        with pytest.raises(BrokerError, match="queue"):
            broker.queue_size()
        assert broker.queue_size() == 1
