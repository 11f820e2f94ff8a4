"""Error handlers: what is logged and sent when job code raises."""
