"""The processes of tasks and executors: each with its tree, its memory and its end."""
