"""The report about a whole run: collected by each process that runs tests, written by the one that tells of them.

    observations -> Watch (each process) -> Part -> plain data in the test's report -> Gathering -> Report -> a file

Each arrow goes one way. A `Part` is free from secrets before it leaves its process.
"""
