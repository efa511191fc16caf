"""From options to a client of boto3, which belongs to one process."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader, create_loader

from djq_sqs.errors import is_throttled
from djq_sqs.logs import hide
from djq_sqs.options import SqsOptions

T = TypeVar("T")

#: Seconds between the tries of a call that SQS was too busy for; nothing was done, so that it may be made again.
PAUSES: Final = (0.1, 0.3, 0.9)


class Client:
    """A client of boto3 whose calls are made again where SQS was too busy for them; several threads may use it."""

    def __init__(self, options: SqsOptions) -> None:
        """Raise what botocore has against the options; no connection is made."""
        session = botocore.session.get_session()
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
        boto = boto3.Session(botocore_session=session, **options.session)
        self._boto: Any = boto.client("sqs", config=Config(**options.config), **options.client)
        hide(options.secrets)

    def call(self, operation: str, **words: Any) -> Mapping[str, Any]:
        """Call an operation, which is named as a method of boto3's client; raises what botocore does."""
        method = getattr(self._boto, operation)
        return unhurried(lambda: method(**words))

    def close(self) -> None:
        """Close its connections."""
        self._boto.close()


def unhurried(call: Callable[[], T]) -> T:
    """Make a call, and again after a pause where SQS was too busy for it."""
    for pause in PAUSES:
        try:
            return call()
        except ClientError as error:
            if not is_throttled(error):
                raise
        time.sleep(pause * random.uniform(0.5, 1.0))
    return call()


@functools.cache
def _loader(path: str | None) -> Loader:
    """Return what reads botocore's descriptions of services: once in a process, for they take a while."""
    return create_loader(path)
