"""The filters of the dashboard's templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from djq_core.templatetags.djq_dashboard import moment, named, until


@pytest.mark.parametrize(
    ("seconds", "text"), [(30.4, "in 30 s"), (0, "now"), (-90, "90 s ago"), (300_000, "in 3 days")]
)
def test_moments_are_told_as_distances(seconds: float, text: str) -> None:
    assert until(timezone.now() + timedelta(seconds=seconds)) == text


def test_what_has_no_name_is_shown_as_it_is() -> None:
    assert (named("Idle"), named("Dancing")) == ("Idle", "Dancing")


def test_seconds_are_a_moment_of_the_readers_zone() -> None:
    with timezone.override("Europe/Berlin"):
        assert moment(0.0).isoformat() == "1970-01-01T01:00:00+01:00"
    with override_settings(USE_TZ=False, TIME_ZONE="UTC"):
        assert moment(0.0) == datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
