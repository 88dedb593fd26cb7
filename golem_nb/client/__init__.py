"""What notebooks, tests and programs ask a Golem server through: `Client`, over the wire or straight into an engine.

Never decides anything about durability: each method is one operation. Start reading at `client`, then `connect`.
"""
