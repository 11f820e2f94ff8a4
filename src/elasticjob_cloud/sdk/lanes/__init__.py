"""The workers that run shards: threads, an event loop, processes, daemon tasks."""
