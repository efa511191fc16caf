"""The connections of one process: any of the nodes, and the next one when it is away."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool
from redis.exceptions import AuthenticationError, OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

from djq_disque import errors
from djq_disque.options import DisqueOptions, address

logger = logging.getLogger("djq")

T = TypeVar("T")
#: What is done at a node: it is given a client of the node, and the node.
Call = Callable[[redis.Redis, str], T]

#: Seconds for which a node that failed is asked after all others.
_AWAY: Final = 5.0
#: A node that says so has done nothing, and another one may.
_LEAVING: Final = "LEAVING"


class NotConnected(exceptions.ConnectionError):
    """Nothing was sent, for there was no connection to send it on; ``is_late`` where connecting took too long."""

    def __init__(self, error: Exception) -> None:
        super().__init__(*error.args)
        self.is_late = isinstance(error, exceptions.TimeoutError)


class NodeConnection(Connection):
    """A connection that tells whether it failed before anything was sent."""

    def connect(self) -> None:
        """Connect, and let the node take the password."""
        try:
            super().connect()  # type: ignore[no-untyped-call]
        except AuthenticationError:
            raise
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
            raise NotConnected(error) from None


class Nodes:
    """The nodes, one of which is used until it is away."""

    def __init__(self, options: DisqueOptions) -> None:
        self._options = options
        self._clients: dict[str, redis.Redis] = {}
        self._away: dict[str, float] = {}
        self._told: set[str] = set()
        self._current = random.choice(options.nodes)

    def run(self, call: Call[T], *, at: str = "", repeats: bool = True) -> T:
        """Return what a call at a node returns; where the node is away, what it returns at the next one.

        ``at`` is asked first. A call that must not be made twice (``repeats`` False) is made at another node only if
        the first has certainly not done it. Raises BrokerError where no node does it, or no time is left for another.
        """
        began, failed = time.monotonic(), dict[str, Exception]()
        for node in self._order(at):
            try:
                answer = call(self.client(node), node)
            except (RedisError, OSError) as error:
                failed[node] = error
                may_go = _may_go_elsewhere(error, repeats=repeats)
                if may_go or not isinstance(error, ResponseError):
                    self._away[node] = time.monotonic() + _AWAY
                if not may_go or time.monotonic() - began >= self._options.timeout:
                    break
            else:
                self._used(node, failed)
                return answer
        raise errors.broker_error(self._options, failed)

    def each(self, call: Call[T]) -> list[T]:
        """Return what a call returns at every node that answers; raise BrokerError where none does."""
        answers, failed = list[T](), dict[str, Exception]()
        for node in self._order():
            if answers and self._is_away(node):
                continue
            try:
                answers.append(call(self.client(node), node))
            except (RedisError, OSError) as error:
                failed[node] = error
                self._away[node] = time.monotonic() + _AWAY
        if not answers:
            raise errors.broker_error(self._options, failed)
        return answers

    def client(self, node: str) -> redis.Redis:
        """Return the client of a node; nothing is connected yet."""
        client = self._clients.get(node)
        if client is None:
            client = self._clients.setdefault(node, _client(self._options, node))
        return client

    def close(self) -> None:
        """Close all connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()
            client.connection_pool.disconnect()

    def _order(self, first: str = "") -> Iterator[str]:
        """Give the nodes in the order in which they are asked: those that were away lately come last."""
        others = random.sample(self._options.nodes, len(self._options.nodes))
        nodes = dict.fromkeys(filter(None, [self._known(first), self._current, *others]))
        return iter(sorted(nodes, key=lambda node: self._away.get(node, 0.0) * self._is_away(node)))

    def _known(self, node: str) -> str:
        """Return a node if it is one of the setting, else "": it was, when a receipt was given."""
        return node if node in self._options.nodes else ""

    def _is_away(self, node: str) -> bool:
        return self._away.get(node, 0.0) > time.monotonic()

    def _used(self, node: str, failed: dict[str, Exception]) -> None:
        """Stay at a node that has answered; tell once of each that did not, and once that it does again."""
        for each, error in failed.items():
            if each not in self._told:
                self._told.add(each)
                logger.warning("%s Going on at %s.", errors.told(self._options, each, error), node)
        if self._is_away(self._current):
            self._current = node
        self._away.pop(node, None)
        if node in self._told:
            self._told.remove(node)
            logger.info("Disque at %s can be used again.", node)


def _may_go_elsewhere(error: Exception, *, repeats: bool) -> bool:
    if isinstance(error, NotConnected | AuthenticationError | OutOfMemoryError):
        return True
    if isinstance(error, ResponseError):
        return str(error).startswith(_LEAVING)
    return repeats


def _client(options: DisqueOptions, node: str) -> redis.Redis:
    """Return a client that speaks RESP2 to database 0 and tries nothing twice."""
    host, port = address(node)
    words: dict[str, Any] = {"host": host, "port": port, "password": options.auth, "db": 0, "protocol": 2}
    seconds = options.node_timeout
    times: dict[str, Any] = {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
    }
    return redis.Redis(connection_pool=ConnectionPool(connection_class=NodeConnection, **words, **times))


def pipelined(server: redis.Redis, commands: list[tuple[Any, ...]]) -> list[Any]:
    """Send commands at once and return their replies; an error that is a reply is returned as it is."""
    if not commands:
        return []
    with server.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        return list(pipe.execute(raise_on_error=False))


def checked(replies: list[Any]) -> list[Any]:
    """Return replies; raise the first error among them."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
