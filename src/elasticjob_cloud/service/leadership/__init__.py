"""The lead: a candidate seeks it, and a leader has it for one term after another."""
