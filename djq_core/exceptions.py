"""Every error that djq raises; the docstring of a class is its default message."""

from __future__ import annotations

import inspect

from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist

from djq_core.phrases import Phrase


class DjqError(Exception):
    """Something went wrong in djq."""

    def __init__(self, message: str | None = None) -> None:
        meaning = inspect.getdoc(type(self)) or ""
        super().__init__(message or Phrase(meaning))


class ConfigurationError(DjqError, ImproperlyConfigured):
    """The setting Q_CLUSTER cannot be used as it is."""


class PluginError(ConfigurationError):
    """A plugin cannot be used."""


class NotSupported(DjqError):
    """This broker does not support the operation."""


class BrokerError(DjqError):
    """The broker cannot be reached or refused the operation."""


class ResultBackendUnavailable(DjqError):
    """The result backend cannot be reached; what was to be saved is kept and tried again."""


class SerializationError(DjqError, TypeError):
    """A value cannot be serialized."""


class DeserializationError(DjqError, ValueError):
    """A serialized value cannot be read."""


class InstanceGone(DeserializationError, ObjectDoesNotExist):
    """The row of a model instance is not in the database."""


class FunctionNotFound(DjqError, ImportError):
    """The function of a task or hook cannot be found."""


class FunctionNotAllowed(DjqError):
    """The function of a task or hook is not on the list allowed_functions."""


class PackageError(DjqError):
    """The package cannot be read."""


class BadPackageSignature(PackageError):
    """The signature is not valid: another SECRET_KEY or cluster name signed the package, or it was changed."""


class UnknownSerializer(PackageError):
    """The package was written by a serializer that this cluster does not accept."""


class PackageTooLarge(PackageError):
    """The package is larger than allowed."""


class ProcessDied(DjqError):
    """A process of the cluster ended unbidden."""


class TaskAbandoned(DjqError):
    """The cluster was stopped before the task had come to its end."""


class TimeLimitExceeded(BaseException):
    """The task ran longer than its timeout.

    A BaseException, so that a task which catches Exception does not catch it.
    """
