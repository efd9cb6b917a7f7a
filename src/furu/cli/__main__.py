"""`python -m furu.cli`, where the command is not on the PATH."""

from furu.cli.main import main

main()
