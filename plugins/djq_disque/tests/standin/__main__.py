"""Be a node: ``python -m plugins.djq_disque.tests.standin --port 7711 --dir folder``."""

from __future__ import annotations

import asyncio
import sys

from plugins.djq_disque.tests.standin import adding, answering, getting, looking, serving
from plugins.djq_disque.tests.standin.node import Node
from plugins.djq_disque.tests.standin.peers import HOST
from plugins.djq_disque.tests.standin.server import Client, Command
from plugins.djq_disque.tests.standin.settings import Settings, read

#: Commands with how many words they take, themselves included; at least so many where it is negative.
COMMANDS: dict[str, tuple[Command, int]] = {
    "ackjob": (answering.ackjob, -1),
    "addjob": (adding.addjob, -4),
    "auth": (serving.auth, 2),
    "client": (serving.client_command, -2),
    "cluster": (serving.cluster, -2),
    "deljob": (answering.deljob, -1),
    "dequeue": (answering.dequeue, -1),
    "enqueue": (answering.enqueue, -1),
    "fastack": (answering.fastack, -1),
    "getjob": (getting.getjob, -2),
    "hello": (serving.hello, 1),
    "info": (serving.info, -1),
    "jscan": (looking.jscan, -1),
    "nack": (answering.nack, -1),
    "pause": (serving.pause, -3),
    "ping": (serving.ping, -1),
    "qlen": (looking.qlen, 2),
    "qpeek": (looking.qpeek, 3),
    "qscan": (looking.qscan, -1),
    "qstat": (looking.qstat, 2),
    "quit": (serving.quit_command, 1),
    "show": (looking.show, 2),
    "standin.fault": (serving.fault, 3),
    "standin.mute": (serving.mute, 1),
    "time": (serving.time_command, 1),
    "working": (answering.working, 2),
}


async def main(settings: Settings) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    node = Node(settings, loop)
    server = await loop.create_server(lambda: Client(node, COMMANDS), HOST, settings.port, backlog=512)
    node.tasks.add(loop.create_task(node.peers.run()))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(read(sys.argv[1:])))
