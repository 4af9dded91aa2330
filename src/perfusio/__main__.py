"""`python -m perfusio` is the command line."""

from perfusio.cli.app import main

main()
