"""How ``qcluster`` refuses to start."""

from __future__ import annotations

from tests.harness.fixtures import MakeSite


def test_an_unknown_key_stops_it_with_the_nearest_name(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"queue_limt": 5})
    done = site.manage("qcluster")
    assert done.returncode != 0
    assert "queue_limt" in done.stderr
    assert "queue_limit" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_of_a_plugin_that_is_not_there_stops_it_with_what_to_do(make_site: MakeSite) -> None:
    site = make_site(q_cluster={"sqs": {"aws_region": "eu-central-1"}, "disabled_plugins": ["djq-sqs"]})
    done = site.manage("qcluster")
    assert done.returncode != 0
    assert "`sqs` belongs to djq-sqs" in done.stderr
    assert "Remove one of the two" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_start_line_names_broker_and_promise(make_site: MakeSite) -> None:
    site = make_site()
    with site.cluster(is_forked=False) as cluster:
        assert cluster.log.lines("at least once"), cluster.log.text()
        assert cluster.log.lines("ORM|orm")
