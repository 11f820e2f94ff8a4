"""The loop that ties core, store and engine; leadership; settings."""
