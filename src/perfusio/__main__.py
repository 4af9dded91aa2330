"""`python -m perfusio` is the command line."""

from perfusio.cli.entry import main

main()
