"""A small HTTP server that tells whether all clusters are well, for a probe (manual 1.15.7).

Run it: python health_check.py [PORT]
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import example_site

example_site.set_up()

from djq_core.conf import Conf
from djq_core.monitor import Stat

HOST = "localhost"
PORT = 8080


class HealthCheck(BaseHTTPRequestHandler):
    """Answers 200 when there is a cluster and every cluster is idle or working, else 503."""

    def do_GET(self) -> None:
        """Count the clusters, and those that are well."""
        stats = Stat.get_all()
        well = [stat for stat in stats if stat.status in (Conf.IDLE, Conf.WORKING)]
        is_well = bool(stats) and len(well) == len(stats)
        text = f"{len(well)} of {len(stats)} clusters are well\n".encode()
        self.send_response(200 if is_well else 503)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Serve until interrupted; port 0 takes any that is free."""
    server = HTTPServer((HOST, int(sys.argv[1]) if len(sys.argv) > 1 else PORT), HealthCheck)
    print(f"Health of the clusters: http://{HOST}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Stopped")
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
