"""A request as it came: its body, its query, its text, before anyone asks what it means."""
