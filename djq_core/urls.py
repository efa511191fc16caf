"""Addresses for probes and for Prometheus: ``path("djq/", include("djq_core.urls"))``.

Options for all of them are the third argument of ``path``: see :mod:`djq_core.views`.
"""

from __future__ import annotations

from django.urls import path

from djq_core import views

app_name = "djq"
urlpatterns = [
    path("health/", views.health, name="health"),
    path("health/ready/", views.ready, name="ready"),
    path("health/live/", views.live, name="live"),
    path("metrics/", views.metrics, name="metrics"),
]
