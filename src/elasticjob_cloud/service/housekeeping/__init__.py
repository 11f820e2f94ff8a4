"""What a scheduler does besides scheduling: it watches, counts and deletes old history."""
