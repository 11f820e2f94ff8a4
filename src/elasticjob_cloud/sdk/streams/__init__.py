"""Where the output of job code goes: each shard prints into its own files."""
