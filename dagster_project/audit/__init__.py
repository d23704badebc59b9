"""The audit relations over one submission and the history it meets: pure, no Dagster, no database.

Belongs here: rules V01-V40 of domain.md B.9, the decision which cell is at fault, corrections, accident classes.
Does not belong here: reading workbooks (ingest), storing (warehouse), thresholds and texts (seeds/reference).
"""
