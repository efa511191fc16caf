"""Commands about the server, its cluster and the connection."""

from __future__ import annotations

import time

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import now
from plugins.djq_disque.tests.standin.node import FAULTS
from plugins.djq_disque.tests.standin.peers import HOST, REACHABLE
from plugins.djq_disque.tests.standin.reading import SYNTAX, number
from plugins.djq_disque.tests.standin.server import Client, Refusal

_PAUSES = {b"in": (True, False), b"out": (False, True), b"all": (True, True), b"none": (False, False)}
_CLIENT = "ERR Syntax error, try CLIENT (LIST | KILL ip:port | GETNAME | SETNAME connection-name)"


def ping(client: Client, words: list[bytes]) -> bytes:
    """Reply that it lives."""
    return resp.bulk(words[0]) if words else resp.simple("PONG")


def auth(client: Client, words: list[bytes]) -> bytes:
    """Let a client in."""
    password = client.node.settings.requirepass
    if not password:
        raise Refusal("ERR Client sent AUTH, but no password is set")
    client.is_known = words[0] == password.encode()
    if not client.is_known:
        raise Refusal("ERR invalid password")
    return resp.OK


def client_command(client: Client, words: list[bytes]) -> bytes:
    """Take the name of a connection."""
    match [words[0].upper(), *words[1:]]:
        case [b"SETNAME", name]:
            client.name = name
            return resp.OK
        case [b"GETNAME"]:
            return resp.bulk(client.name) if client.name else resp.NULL_BULK
    raise Refusal(_CLIENT)


def quit_command(client: Client, words: list[bytes]) -> None:
    """Say yes, and close."""
    client.write(resp.OK)
    client.close()


def time_command(client: Client, words: list[bytes]) -> bytes:
    """Reply with the time."""
    seconds, micro = divmod(time.time_ns() // 1000, 1_000_000)
    return resp.array([resp.bulk(str(seconds)), resp.bulk(str(micro))])


def hello(client: Client, words: list[bytes]) -> bytes:
    """Reply with this node and the others."""
    peers = client.node.peers
    own = HOST if peers.known else ""
    nodes = [(peers.id, own, client.node.settings.port, 100 if peers.is_leaving else REACHABLE)]
    nodes += [(peer.id, HOST, peer.port, peer.priority) for peer in peers]
    shown = [resp.array(resp.bulk(str(part)) for part in node) for node in nodes]
    return resp.array([resp.integer(1), resp.bulk(peers.id), *shown])


def info(client: Client, words: list[bytes]) -> bytes:
    """Reply with what there is to know of the server."""
    node = client.node
    sections = {
        "Server": {
            "disque_version": "1.0-rc1",
            "tcp_port": node.settings.port,
            "uptime_in_seconds": (now() - node.started) // 1000,
        },
        "Clients": {"connected_clients": 1},
        "Memory": {"used_memory": node.store.memory, "used_memory_human": f"{node.store.memory / 1024:.2f}K"},
        "Jobs": {"registered_jobs": len(node.store.jobs)},
        "Queues": {"registered_queues": len(node.store.queues)},
        "Persistence": {"aof_enabled": int(node.settings.appendonly)},
        "Stats": {"total_connections_received": 1},
        "CPU": {"used_cpu_sys": "0.00"},
    }
    wanted = words[0].decode("latin-1").lower() if words else "all"
    chosen = {name: lines for name, lines in sections.items() if wanted in ("all", "default", name.lower())}
    parts = [
        "\r\n".join([f"# {name}", *(f"{key}:{value}" for key, value in lines.items()), ""])
        for name, lines in chosen.items()
    ]
    return resp.bulk("\r\n".join(parts))


def pause(client: Client, words: list[bytes]) -> bytes:
    """Let a queue take in, or hand out, nothing; reply with the state after it."""
    name, *options = words
    queue, tells = client.node.store.queue(name), False
    for word in options:
        if word.lower() == b"bcast":
            tells = True
        elif word.lower() in _PAUSES:
            queue.is_paused_in, queue.is_paused_out = _PAUSES[word.lower()]
        elif word.lower() != b"state":
            raise Refusal(SYNTAX)
    if tells:
        client.node.bus.paused(queue)
    if not queue.is_paused_out:
        client.node.waiting.serve(queue)
    return resp.simple(queue.pause)


def cluster(client: Client, words: list[bytes]) -> bytes:
    """Join nodes, or tell of them."""
    node, peers = client.node, client.node.peers
    match [words[0].upper(), *words[1:]]:
        case [b"MEET", _, port]:
            node.tasks.add(node.loop.create_task(peers.meet(number(port))))
            return resp.OK
        case [b"MYID"]:
            return resp.bulk(peers.id)
        case [b"LEAVING", word]:
            peers.is_leaving = word.lower() == b"yes"
            return resp.OK
        case [b"LEAVING"]:
            return resp.simple("yes" if peers.is_leaving else "no")
        case [b"INFO"]:
            return resp.bulk(f"cluster_state:ok\r\ncluster_known_nodes:{len(peers.known) + 1}\r\n")
        case [b"NODES"]:
            own = f"{peers.id} {HOST}:{node.settings.port} myself 0 0 connected"
            others = [f"{peer.id} {HOST}:{peer.port} noflags 0 {peer.seen} connected" for peer in peers]
            return resp.bulk("\n".join([own, *others, ""]))
    raise Refusal(SYNTAX)


def fault(client: Client, words: list[bytes]) -> bytes:
    """Switch on a fault for so many of the next commands that it concerns; no command of Disque."""
    name = words[0].decode()
    if name not in FAULTS:
        raise Refusal(f"ERR the faults are {', '.join(FAULTS)}")
    client.node.faults[name] = number(words[1])
    return resp.OK


def mute(client: Client, words: list[bytes]) -> bytes:
    """Fall silent towards all other clients that are connected; no command of Disque."""
    client.node.mute(client)
    return resp.OK
