"""What probes and Prometheus ask for: no login, no secret, and an answer within a time (manual 1.15.7).

Each takes the same options, as the third argument of ``path(…, include("djq_core.urls"), {…})``: ``clusters`` are the
queues to look at (all of the site by default), ``detail`` adds hosts, process ids and texts of errors, ``max_wait`` are
the seconds that a task may wait on its queue, ``seconds`` those that looking may take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from djq_core import current
from djq_core.monitor.health import SECONDS, Report, examine, reach

View = TypeVar("View", bound=Callable[..., HttpResponse])


def _for_probes(view: View) -> View:
    """Let everybody look, by GET and HEAD alone, and nobody keep the answer."""
    return login_not_required(never_cache(require_safe(view)))


@_for_probes
def health(
    request: HttpRequest,  # noqa: ARG001
    *,
    clusters: Sequence[str] = (),
    detail: bool = False,
    max_wait: float | None = None,
    seconds: float = SECONDS,
) -> HttpResponse:
    """Answer 200 when every queue has a cluster, every cluster does its work and plugins are well, else 503."""
    return _answer(lambda: examine(current.runtime(), clusters, max_wait=max_wait, seconds=seconds), detail=detail)


@_for_probes
def ready(
    request: HttpRequest,  # noqa: ARG001
    *,
    clusters: Sequence[str] = (),
    detail: bool = False,
    max_wait: float | None = None,  # noqa: ARG001
    seconds: float = SECONDS,
) -> HttpResponse:
    """Answer 200 when this process can send tasks, else 503; clusters are not asked for."""
    return _answer(lambda: reach(current.runtime(), clusters, seconds=seconds), detail=detail)


@_for_probes
def live(request: HttpRequest, **options: Any) -> HttpResponse:  # noqa: ARG001
    """Answer 200: this process answers, and nothing is asked for that a restart of it could not help."""
    return JsonResponse({"status": "healthy"})


@_for_probes
def metrics(
    request: HttpRequest,
    *,
    clusters: Sequence[str] = (),
    detail: bool = False,  # noqa: ARG001
    max_wait: float | None = None,  # noqa: ARG001
    seconds: float = SECONDS,
) -> HttpResponse:
    """Answer with the metrics for Prometheus, 501 without its client library, 503 where djq is not configured."""
    from djq_core.monitor.metrics import exposition

    accepted = request.headers.get("Accept", "")
    try:
        text, content_type = exposition(current.runtime(), clusters, seconds=seconds, accepted=accepted)
    except ImportError as error:
        return HttpResponse(f"{error}\n", status=501, content_type="text/plain; charset=utf-8")
    except ImproperlyConfigured:
        return HttpResponse(_MISCONFIGURED, status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(text, content_type=content_type)


_MISCONFIGURED = "djq is not configured: manage.py check tells more.\n"


def _answer(look: Callable[[], Report], *, detail: bool) -> HttpResponse:
    try:
        with translation.override(None):  # programs read it
            report = look()
    except ImproperlyConfigured as error:
        told = {"status": "misconfigured", "problems": [{"code": "misconfigured", "message": _MISCONFIGURED.strip()}]}
        return JsonResponse({**told, "detail": str(error)} if detail else told, status=503)
    return JsonResponse(report.as_dict(detail=detail), status=200 if report.is_healthy else 503)
