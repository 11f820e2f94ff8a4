"""Apps, jobs, and how a job is split into shards. Nothing is re-exported, as in `model`."""
