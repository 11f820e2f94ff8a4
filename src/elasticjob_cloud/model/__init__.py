"""The nouns: app and job configuration, tasks, statuses, messages, errors.

Nothing is re-exported here: the SDK imports `context`, `errors` and `wire` on machines that
have the standard library alone, and a re-export would pull in msgspec.
"""
