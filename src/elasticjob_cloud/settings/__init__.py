"""The settings of a scheduler: what they are, what each may be, and where they come from."""
