"""The configuration as one frozen value, and how it is read (manual 1.2)."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, ClassVar, Final, Required, TypedDict, Unpack

from djq_core import optional
from djq_core.conf.allowing import AllowList, Patterns
from djq_core.conf.backoff import Backoff, Pause
from djq_core.conf.contradictions import contradictions
from djq_core.conf.keys import Key, count, read_as, seconds
from djq_core.conf.kinds import Choice, Flag, Names, Number, Refused, Tables, Text, TimeZone
from djq_core.conf.names import REFUSED_KEYS
from djq_core.conf.problem import Problem
from djq_core.exceptions import ConfigurationError
from djq_core.phrases import gettext_noop

_MIB: Final = 1024 * 1024
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
#: As long as the columns of tasks, schedules and queues that hold it.
_LONGEST_NAME: Final = 100
_SAVE_LIMITS_PER: Final = ("func", "group", "name")
_PICKLE_READS: Final = frozenset({"pickle", "json"})


class Surroundings(TypedDict, total=False):
    """What a site has beside ``Q_CLUSTER``: Django's settings, and two environment variables."""

    secret_key: Required[str]
    secret_key_fallbacks: Sequence[str]
    time_zone: str
    use_tz: bool
    cluster_name: str | None
    faults: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """Everything that is configured, validated; built by :meth:`from_settings`, it pickles.

    Times are seconds unless said otherwise. Every key is explained in the documentation's page on settings.
    """

    STARTING: ClassVar[str] = gettext_noop("Starting")
    WORKING: ClassVar[str] = gettext_noop("Working")
    IDLE: ClassVar[str] = gettext_noop("Idle")
    STOPPING: ClassVar[str] = gettext_noop("Stopping")
    STOPPED: ClassVar[str] = gettext_noop("Stopped")

    # The cluster
    name: str = read_as(Text(longest=_LONGEST_NAME), "default")
    label: str = read_as(Text(is_lazy=True), "Django Q")
    workers: int = read_as(count(1, or_none=True))
    daemonize_workers: bool = read_as(Flag(), True)
    recycle: int = read_as(count(1), 500)
    max_rss: int | None = read_as(count(1, unit="KiB", or_none=True))
    cpu_affinity: int | None = read_as(count(0, or_none=True))
    queue_limit: int = read_as(count(1, or_none=True))
    guard_cycle: float = read_as(Number(above=0, below=60, unit="seconds"), 0.5)
    stop_timeout: float | None = read_as(seconds(at_least=0, or_none=True))
    start_method: str | None = read_as(Choice(names=multiprocessing.get_all_start_methods, or_none=True))
    log_level: str = read_as(Choice(names=lambda: _LOG_LEVELS), "INFO")
    alt_clusters: Mapping[str, Mapping[str, Any]] = read_as(Tables(), {}, name="ALT_CLUSTERS", is_shown=False)

    # Tasks
    timeout: float | None = read_as(seconds(above=0, or_none=True))
    timeout_grace: float = read_as(seconds(at_least=0), 2.0)
    hook_timeout: float = read_as(seconds(above=0), 300)
    allowed_functions: AllowList | None = read_as(Patterns(or_none=True))  # noqa: RUF009 - a field, as all of them
    sync: bool = read_as(Flag(), False)
    enqueue_on_commit: bool | str = read_as(Text(or_flag=True), False)
    compress: bool = read_as(Flag(), False)
    max_package_bytes: int = read_as(count(1, unit="bytes"), 256 * _MIB)
    serializer: str = read_as(Text(), "pickle")
    accept_serializers: frozenset[str] = read_as(Names(into=frozenset, or_none=True))
    max_nesting_depth: int = read_as(Number(is_whole=True, at_least=1, below=201, unit="levels"), 100)

    # Attempts
    retry: float = read_as(seconds(above=0), 60)
    renew_leases: bool = read_as(Flag(), True)
    backoff: Backoff | None = read_as(Pause(or_none=True))  # noqa: RUF009 - a field, as all of them
    ack_failures: bool = read_as(Flag(), False)
    max_attempts: int = read_as(count(0), 0)
    max_crashes: int = read_as(count(1), 3)
    max_deliveries: int = read_as(count(1), 20)

    # Results
    result_backend: str = read_as(Text(), "database")
    save_limit: int = read_as(count(-1), 250)
    quarantine_limit: int = read_as(count(1), 1000)
    save_limit_per: str | None = read_as(Choice(names=lambda: _SAVE_LIMITS_PER, or_none=True))
    cache: str = read_as(Text(), "default")
    cached: bool | int = read_as(Number(is_whole=True, at_least=0, unit="seconds", or_flag=True), False)
    error_reporter: Mapping[str, Mapping[str, Any]] = read_as(Tables(), {}, is_shown=False)

    # The broker and other plugins
    broker: str | None = read_as(Text(or_none=True))
    broker_class: str | None = read_as(Text(is_dotted=True, or_none=True))
    bulk: int | None = read_as(count(1, or_none=True))
    poll: float | None = read_as(seconds(above=0, or_none=True))
    disabled_plugins: tuple[str, ...] = read_as(Names(), ())

    # Schedules
    scheduler: bool = read_as(Flag(), True)
    catch_up: bool = read_as(Flag(), True)
    time_zone: str = read_as(TimeZone(or_none=True))

    # Not keys of Q_CLUSTER
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    site_time_zone: str = "UTC"
    use_tz: bool = True
    faults: str = ""
    #: Every key that is not core's, unread.
    plugin_settings: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    #: ``Q_CLUSTER`` as it was given, for :meth:`for_cluster`.
    given: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_settings(cls, q_cluster: Any, **surroundings: Unpack[Surroundings]) -> Conf:
        """Return the configuration of one cluster (manual 1.2).

        ``q_cluster`` is the setting ``Q_CLUSTER``; ``secret_key``, ``secret_key_fallbacks``, ``time_zone`` and
        ``use_tz`` are Django's settings; ``cluster_name`` (the environment's ``Q_CLUSTER_NAME``) chooses one of
        ``ALT_CLUSTERS``, or is the name of a cluster that is configured like the main one; ``faults`` is for tests.
        Raises ConfigurationError that lists every error.
        """
        errors = [problem for problem in cls.problems(q_cluster, **surroundings) if problem.is_error]
        if errors:
            raise ConfigurationError(_told(errors))
        given = _laid_over(q_cluster, surroundings.get("cluster_name"))
        return replace(_read(given, surroundings).conf, given=dict(q_cluster))

    @classmethod
    def problems(cls, q_cluster: Any, **surroundings: Unpack[Surroundings]) -> list[Problem]:
        """Return all that is wrong or doubtful in core's keys, those in ``ALT_CLUSTERS`` included.

        Takes what :meth:`from_settings` takes, and raises nothing.
        """
        if shape := _misshapen(q_cluster):
            return [shape]
        main = _read(q_cluster, surroundings)
        return [*main.problems, *_alternative_problems(q_cluster, surroundings, main)]

    @property
    def clusters(self) -> frozenset[str]:
        """The names of the clusters that are configured: the main one, and those in ``ALT_CLUSTERS``."""
        return frozenset({self.given.get("name", _DEFAULT_NAME), *self.alt_clusters})

    @property
    def most_held(self) -> int:
        """The most tasks that a cluster has fetched and not saved: what its death costs."""
        return self.workers + self.queue_limit

    def for_cluster(self, name: str) -> Conf:
        """Return the configuration of another cluster of this site, by its name in ``ALT_CLUSTERS``.

        Raises ConfigurationError for a name that is neither there nor the main cluster's.
        """
        if name == self.name:
            return self
        if name not in self.clusters:
            known = ", ".join(sorted(self.clusters))
            raise ConfigurationError(f"ALT_CLUSTERS has no cluster {name!r}. There are: {known}.")
        return Conf.from_settings(
            {**self.given, _ALT: self.alt_clusters},
            secret_key=self.secret_key,
            secret_key_fallbacks=self.secret_key_fallbacks,
            time_zone=self.site_time_zone,
            use_tz=self.use_tz,
            cluster_name=name,
            faults=self.faults,
        )


def _keys() -> Iterator[Key]:
    for each in fields(Conf):
        if kind := each.metadata.get("kind"):
            yield Key(each.metadata["name"] or each.name, each.name, kind, each.metadata["default"])


#: Core's keys by name.
KEYS: Final[Mapping[str, Key]] = MappingProxyType({key.name: key for key in _keys()})
CORE_KEYS: Final = frozenset(KEYS)
_DEFAULT_NAME: Final = KEYS["name"].default
_ALT: Final = "ALT_CLUSTERS"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What reading a mapping gave: a Conf, with the default wherever a value was refused, and the problems."""

    conf: Conf
    problems: list[Problem]


def _read(given: Mapping[str, Any], surroundings: Surroundings) -> _Reading:
    values: dict[str, Any] = {}
    problems = [Problem("djq.E007", key, *REFUSED_KEYS[key]) for key in given if key in REFUSED_KEYS]
    for key in KEYS.values():
        try:
            values[key.attribute] = key.read(given)
        except Refused as refused:
            values[key.attribute] = key.default
            problems.append(key.problem(refused))
    conf = _conf(values, _plugin_settings(given), surroundings)
    refused_keys = {problem.key for problem in problems}
    return _Reading(conf, [*problems, *contradictions(conf, besides=refused_keys)])


def _plugin_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in KEYS and key not in REFUSED_KEYS}


def _conf(values: dict[str, Any], plugin_settings: Mapping[str, Any], surroundings: Surroundings) -> Conf:
    workers = values["workers"] or optional.cpu_count()
    accepted = values["accept_serializers"]
    site_time_zone = surroundings.get("time_zone", "UTC")
    derived = {
        "workers": workers,
        "queue_limit": values["queue_limit"] or workers**2,
        "accept_serializers": _accepted_by(values["serializer"]) if accepted is None else accepted,
        "time_zone": values["time_zone"] or site_time_zone,
    }
    return Conf(
        **{**values, **derived},
        secret_key=surroundings["secret_key"],
        secret_key_fallbacks=tuple(surroundings.get("secret_key_fallbacks", ())),
        site_time_zone=site_time_zone,
        use_tz=surroundings.get("use_tz", True),
        faults=surroundings.get("faults", ""),
        plugin_settings=plugin_settings,
    )


def _accepted_by(serializer: str) -> frozenset[str]:
    return _PICKLE_READS if serializer == "pickle" else frozenset({serializer})


def _misshapen(q_cluster: Any) -> Problem | None:
    if not isinstance(q_cluster, Mapping):
        found = f"not a value of type {type(q_cluster).__name__}"
    elif wrong := [key for key in q_cluster if not isinstance(key, str)]:
        found = f"not one with a key of type {type(wrong[0]).__name__}"
    else:
        return None
    message = f"Q_CLUSTER must be a dictionary with texts as keys, {found}."
    return Problem("djq.E001", "Q_CLUSTER", message, "Write Q_CLUSTER = {'name': 'mysite', …} in the settings.")


# Further clusters


def _laid_over(q_cluster: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    if not (name and name.strip()):
        return q_cluster
    return {**q_cluster, **q_cluster.get(_ALT, {}).get(name, {}), "name": name}


def _alternative_problems(q_cluster: Mapping[str, Any], around: Surroundings, main: _Reading) -> Iterator[Problem]:
    known = set(main.problems)
    for name, entry in main.conf.alt_clusters.items():
        yield from _forbidden(name, entry, main.conf.name)
        for problem in _read(_laid_over(q_cluster, name), around).problems:
            if problem not in known:
                message = f"{_ALT}[{name!r}]: {problem.message}"
                yield replace(problem, key=f"{_ALT}.{name}.{problem.key}", message=message)


def _forbidden(name: str, entry: Mapping[str, Any], main: str) -> Iterator[Problem]:
    reasons = {
        "is the name of the main cluster too": name == main,
        "holds ALT_CLUSTERS itself": _ALT in entry,
        "has another `name` inside": entry.get("name", name) != name,
    }
    for reason, is_so in reasons.items():
        if is_so:
            hint = "The name in ALT_CLUSTERS is the cluster's name; give it once, with the keys that differ."
            yield Problem("djq.E008", _ALT, f"{_ALT}: {name!r} {reason}.", hint)


def _told(problems: Iterable[Problem]) -> str:
    return "Q_CLUSTER cannot be used.\n" + "\n".join(f"- {problem} ({problem.code})" for problem in problems)
