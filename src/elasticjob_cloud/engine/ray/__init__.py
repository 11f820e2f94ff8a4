"""The engine of many machines: a Ray cluster, with an agent on each of its nodes.

    scheduler (engine) --socket-- gateway (Ray driver) --Ray calls-- relay (actor) --socket-- agent
                                                                     `---- one of each on every node ----'

The gateway is a process of its own, so that a Ray that dies takes no scheduler with it. The relay hands messages on
between gateway and agent, starts the agent, and watches over it; the agent outlives both, and fences itself.
Only `gateway`, `nodes/` and `relays/relay` import Ray. `nodes/` runs in the gateway, `relays/` on the nodes.
"""
