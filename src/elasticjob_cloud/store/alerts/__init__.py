"""Alerts in the database: rows of a turn, the outbox of the sender, channels, lists of what was, and its deletion."""
