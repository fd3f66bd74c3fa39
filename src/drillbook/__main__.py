"""`python -m drillbook` is `drillbook`."""

from drillbook.cli.main import main

main()
