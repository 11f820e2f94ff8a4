"""The way to the scheduler that leads: a scheduler that stands by passes calls on."""
