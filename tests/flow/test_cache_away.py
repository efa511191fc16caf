"""The cache of results goes away under a running cluster: all that is not cached goes on."""

from __future__ import annotations

from tests.harness.fixtures import SQLITE, MakeSite
from tests.harness.oracle import END, START
from tests.services.fixtures import StartValkey
from tests.services.ports import HOST, free_port


def test_a_killed_cache_delays_cached_results_alone(make_site: MakeSite, start_valkey: StartValkey) -> None:
    port = free_port()
    server = start_valkey(port=port)
    site = make_site(SQLITE)
    backend = "django.core.cache.backends.redis.RedisCache"
    site.change_settings(CACHES={"default": {"BACKEND": backend, "LOCATION": f"redis://{HOST}:{port}"}})
    with site.cluster() as cluster:
        server.kill()
        cached = [site.call("enqueue", "mark", f"cached-{n}", cached=60) for n in range(3)]
        cluster.wait_for("cannot save: .*cache", 10)
        site.call("enqueue_many", "mark", [f"plain-{n}" for n in range(20)])
        site.wait_counts(20, queued=3)
        server.start()
        assert [site.call("result", task_id, 10_000, cached=True) for task_id in cached] == [
            f"cached-{n}" for n in range(3)
        ]
        cluster.wait_for("saves again", 10)
        assert (site.oracle.total(START), site.oracle.total(END)) == (23, 23)
        assert len(cluster.log.lines("cannot save")) == 1
        assert not cluster.log.deaths()
        assert cluster.stop() == 0
