"""What differs from one database product to another, and what their statements share."""
