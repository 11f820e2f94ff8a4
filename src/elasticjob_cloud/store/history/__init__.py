"""What has happened: pages of it, and the deletion of what is old."""
