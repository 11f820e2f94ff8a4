"""Rules, channels and silences as JSON, and what is wrong with it."""
