"""``python -m csc_tasks.commands``: the csconv command where its script is not on the path."""

from csc_tasks.commands import main

main()
