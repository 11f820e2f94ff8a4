"""The relay on each node: an actor that hands messages on, and keeps the node's agent running."""
