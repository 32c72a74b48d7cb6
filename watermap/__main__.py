"""`python -m watermap`."""

from watermap.cli.main import main

main()
