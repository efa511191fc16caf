"""What in the keys of the broker makes less of its promise, or has no effect; the server is not asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core import checks

from djq_core.brokers.finding import WARNING
from djq_mongo import client, examination
from djq_mongo.options import MongoOptions

if TYPE_CHECKING:
    from djq_core.conf import Conf

#: What pymongo takes and a queue does not go by.
_IDLE: Final = ("readPreference", "readPreferenceTags", "maxStalenessSeconds", "readConcernLevel")


def messages(conf: Conf) -> list[checks.CheckMessage]:
    """Return Django's warnings for a configuration that uses MongoDB, none for another."""
    if conf.broker != "mongo" and not {"mongo", "mongo_db"} & set(conf.plugin_settings):
        return []
    options = MongoOptions.from_keys(conf.plugin_settings, client.known_names())
    return [*_weak_write_concern(options), *_idle(options)]


def _weak_write_concern(options: MongoOptions) -> list[checks.CheckMessage]:
    found = examination.confirmation(options.write_concern)
    if found.level != WARNING:
        return []
    return [checks.Warning(found.message, hint=found.remedy, id="djq_mongo.W001")]


def _idle(options: MongoOptions) -> list[checks.CheckMessage]:
    told = f"in {options.setting} has no effect: a queue is read from the primary."
    return [
        checks.Warning(f"{name!r} {told}", hint="Leave it out.", id="djq_mongo.W002")
        for name in _IDLE
        if name.lower() in options.words
    ]
