"""What a job may be, and how each form becomes one function of a sharding context."""
