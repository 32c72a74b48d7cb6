"""Prefect flows: thin tasks over the library, for runs on a schedule."""

import sys
from importlib.util import find_spec

if find_spec("prefect") is None and sys.argv[0] == "-m":  # `python -m flows.pipeline`, which nothing else could answer
    from watermap.config.extras import install_command
    from watermap.errors import UsageError

    sys.stderr.write(f"watermap: flows need prefect, which is not installed: {install_command('flows')}\n")
    sys.exit(UsageError.exit_code)
