"""What a report about a run says, as values; their documentation is that of the JSON (`schema.json`).

Every text in them is free from secrets, and bounded.
"""
