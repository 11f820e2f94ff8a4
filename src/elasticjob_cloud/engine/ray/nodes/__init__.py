"""A cluster's nodes, seen from the gateway: what Ray tells of them, the room leased of them, the way to their relays."""
