"""What the API's commands do to apps and jobs."""
