"""Holds the API against its own OpenAPI document: `python -m tests.openapi SCHEMATHESIS` (make test-openapi).

An API process of our own, on the in-package broker and store, is asked what the document allows and what it
doesn't; schemathesis, which lives in an environment of its own, ends with 1 where an answer isn't as written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from streams.process.embedded import Broker, Store
from tests.api_client import SECRET, key, start_api, write_keys
from tests.deployment import Deployment

EXAMPLES = 40


def main() -> int:
    """Return schemathesis's exit code."""
    with Broker() as broker, Store() as store, Deployment(broker.address, store.url, "openapi-") as it:
        write_keys(it, key())
        address = start_api(it, log="warning")
        return subprocess.run(
            [
                str(Path(sys.argv[1]).absolute()), "run", f"http://{address}/openapi.json",
                "--header", f"Authorization: Bearer {SECRET}", "--max-examples", str(EXAMPLES),
            ],
            cwd=it.packs.parent,  # it leaves a folder of its own
            check=False,
        ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
