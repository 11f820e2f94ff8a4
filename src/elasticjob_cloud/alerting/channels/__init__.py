"""The formats of the channels: a message becomes requests. They know neither the outbox nor the network."""
