"""A relay before a server, which can let connections go silent without closing them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Relay:
    """Passes on what is sent in both directions, each connection in threads of its own."""

    def __init__(self, path: Path, target: str | tuple[str, int]) -> None:
        """``path`` is the socket that it listens on; ``target`` is that of the server, or its host and port."""
        self.path = path
        self._target = target
        self._cuts = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Never pass on anything again for those who are connected now; new connections are served."""
        self._cuts += 1

    def close(self) -> None:
        """Stop listening, and wait until every connection has ended, which is up to the clients."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=[client], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        family = socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET
        with client, socket.socket(family) as server, suppress(OSError):
            server.connect(self._target)
            back = threading.Thread(target=self._pump, args=[server, client], daemon=True)
            back.start()
            self._pump(client, server)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        cuts = self._cuts
        with suppress(OSError):
            while data := source.recv(65536):
                if cuts == self._cuts:
                    sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relaying(folder: Path, target: str | tuple[str, int]) -> Iterator[Relay]:
    """Relay to a server for as long as the context lasts."""
    relay = Relay(folder / "relay.sock", target)
    try:
        yield relay
    finally:
        relay.close()
