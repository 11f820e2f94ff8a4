"""What a due time or a trigger leads to."""
