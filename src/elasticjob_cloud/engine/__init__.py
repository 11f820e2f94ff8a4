"""How a scheduler finds its agents and talks to them."""
