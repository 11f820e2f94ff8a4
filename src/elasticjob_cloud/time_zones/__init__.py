"""Time zones by their IANA names: which exist, which this machine has, and what people write instead."""
