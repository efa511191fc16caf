"""A process of its own that takes what is on a queue: started with a JSON line, prints what it got."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django
import pymysql
from django.conf import settings


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(database: dict[str, Any], bulk: int, idle: float) -> None:
    if database["ENGINE"].endswith("mysql"):
        pymysql.install_as_MySQLdb()
    settings.configure(SECRET_KEY="x", USE_TZ=True, INSTALLED_APPS=["djq_orm"], DATABASES={"default": database})
    django.setup()
    from djq_core.brokers.base import BrokerSettings
    from djq_orm.broker import OrmBroker

    broker = OrmBroker(BrokerSettings(list_key="main", lease=60))
    tell("ready")
    sys.stdin.readline()
    last = time.monotonic()
    while time.monotonic() - last < idle:
        deliveries = broker.receive(bulk, 0.2)
        for delivery in deliveries:
            tell(f"{delivery.package!s} {delivery.count}")
        broker.acknowledge_many([str(delivery.receipt) for delivery in deliveries])
        time.sleep(0.002)  # the work, in which others have their turn
        if deliveries:
            last = time.monotonic()
    broker.close()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
