"""Be the stand-in: ``python -m tests.services.ironmq PORT FOLDER OPTIONS``, the options as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.services.ironmq.api import Limits
from tests.services.ironmq.store import Store
from tests.services.ironmq.web import Web
from tests.services.ports import HOST

port, folder, options = sys.argv[1:]
words = json.loads(options)
project, token = words.pop("project"), words.pop("token")
with Web((HOST, int(port)), Store(project, Path(folder)), Limits(**words), project, token) as web:
    web.serve_forever()
