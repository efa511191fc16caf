"""Looking at everything that djq lives on: ``manage.py djq doctor``."""

from __future__ import annotations

from djq_core.monitor.doctor.examination import AREAS, Examined, examine

__all__ = ["AREAS", "Examined", "examine"]
