"""A model field for any Python value: serialized, signed, and read no earlier than someone looks at it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.models import query
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext

from djq_core import current
from djq_core.envelope import FIELD, Signer
from djq_core.envelope.collated import COLLATED, split
from djq_core.exceptions import BadPackageSignature
from djq_core.phrases import Phrase, in_words

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField

M = TypeVar("M", bound=models.Model)

#: Fields are signed for the whole site: each of its clusters reads what another has saved.
SITE = ""


@dataclass(frozen=True, slots=True)
class Serialized:
    """A value as the serializer ``tag`` wrote it; assigned to a signed field it is signed as it is."""

    tag: str
    data: bytes = field(repr=False)

    def open(self) -> Any:
        """Return the value, or Unreadable where it cannot be loaded; of a collated one, a list of these."""
        if self.tag == COLLATED:
            return [Serialized(*each).open() for each in split(self.data)]
        try:
            return current.runtime().load(self.tag, self.data)
        except Exception as error:  # loading runs the site's code
            return Unreadable(f"{type(error).__name__}: {error}", self)

    def sealed(self) -> Sealed:
        """Return the value as it lies in the database."""
        text = f"{self.tag}:{b64encode(self.data).decode('ascii')}"
        return Sealed(_signer().sign(FIELD, text))


@dataclass(frozen=True, slots=True)
class Sealed:
    """A value as it lies in the database: serialized, signed, not looked at."""

    text: str = field(repr=False)

    def serialized(self) -> Serialized:
        """Return the verified value, still serialized; raises BadPackageSignature."""
        tag, _, data = _signer().verify(FIELD, self.text).partition(":")
        return Serialized(tag, b64decode(data))

    def open(self) -> Any:
        """Return the value, or Unreadable where it cannot be verified or loaded."""
        try:
            return self.serialized().open()
        except BadPackageSignature:
            return Unreadable(
                Phrase("it was changed, or signed with a SECRET_KEY that is neither here nor a fallback"), self
            )
        except Exception as error:
            return Unreadable(f"{type(error).__name__}: {error}", self)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a stored value that can no longer be read; saving it writes back what was there."""

    reason: str
    source: Sealed | Serialized = field(repr=False)

    def __str__(self) -> str:
        return gettext("This value cannot be read: {reason}").format(reason=in_words(self.reason))


class SignedAttribute(DeferredAttribute):
    """Opens the value of a signed field when it is first looked at."""

    field: SignedField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if not isinstance(value, Sealed | Serialized):
            return value
        opened = value.open()
        instance.__dict__[self.field.attname] = opened
        return opened

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SignedField(_TextField):
    """Holds any value that the configured serializer can write (manual 1.4.6, ``Task.args``, ``kwargs``, ``result``).

    Loading a row reads nothing: the value is verified and deserialized on first access, and one that cannot be is an
    :class:`Unreadable`. Who can write the table but does not know the ``SECRET_KEY`` cannot have anything deserialized.
    """

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    descriptor_class = SignedAttribute

    def from_db_value(self, value: str | None, expression: object, connection: BaseDatabaseWrapper) -> Sealed | None:
        """Wrap what the database holds."""
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Return what is to be saved without opening it."""
        if self.attname in model_instance.__dict__:
            return model_instance.__dict__[self.attname]
        return super().pre_save(model_instance, add)

    def get_prep_value(self, value: Any) -> str | None:
        """Return the signed text; raises SerializationError for a value that cannot be serialized."""
        return None if value is None else seal(value).text

    def to_python(self, value: Any) -> Any:
        """Return the value; a signed text, as fixtures hold it, is recognised by its signature."""
        if isinstance(value, str) and _is_ours(value):
            return Sealed(value)
        return value

    def value_from_object(self, obj: models.Model) -> Any:
        """Return what fixtures and forms are given: the sealed value."""
        value = self.pre_save(obj, False)
        return None if value is None else seal(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the signed text for a fixture."""
        return self.get_prep_value(self.pre_save(obj, False)) or ""


class SignedQuerySet(models.QuerySet[M]):
    """A query set whose ``values()`` and ``values_list()`` open signed fields too (manual 1.5)."""

    def values(self, *fields: Any, **expressions: Any) -> Any:
        """Return dictionaries with opened values."""
        return _opening(super().values(*fields, **expressions))

    def values_list(self, *fields: Any, flat: bool = False, named: bool = False) -> Any:
        """Return tuples with opened values, or the values alone."""
        return _opening(super().values_list(*fields, flat=flat, named=named))


def seal(value: Any) -> Sealed:
    """Return a value as it lies in the database; raises SerializationError."""
    if isinstance(value, Unreadable):
        value = value.source
    if isinstance(value, Sealed):
        return value
    if isinstance(value, Serialized):
        return value.sealed()
    runtime = current.runtime()
    return Serialized(runtime.conf.serializer, runtime.dump(value)).sealed()


def _signer() -> Signer:
    return current.runtime().signer.named(SITE)


def _is_ours(text: str) -> bool:
    try:
        _signer().verify(FIELD, text)
    except BadPackageSignature:
        return False
    return True


def _opened(value: Any) -> Any:
    return value.open() if isinstance(value, Sealed) else value


class _OpenedDicts(query.ValuesIterable):
    def __iter__(self) -> Iterator[Any]:
        return ({name: _opened(value) for name, value in row.items()} for row in super().__iter__())


class _OpenedTuples(query.ValuesListIterable):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[Any]:
        return (tuple(map(_opened, row)) for row in super().__iter__())


class _OpenedNamedTuples(query.NamedValuesListIterable):
    def __iter__(self) -> Iterator[Any]:
        return (row._make(map(_opened, row)) for row in super().__iter__())


class _OpenedValues(query.FlatValuesListIterable):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[Any]:
        return map(_opened, super().__iter__())


_OPENING: dict[Any, Any] = {
    query.ValuesIterable: _OpenedDicts,
    query.ValuesListIterable: _OpenedTuples,
    query.NamedValuesListIterable: _OpenedNamedTuples,
    query.FlatValuesListIterable: _OpenedValues,
}


def _opening(queryset: Any) -> Any:
    queryset._iterable_class = _OPENING.get(queryset._iterable_class, queryset._iterable_class)
    return queryset
