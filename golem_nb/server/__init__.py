"""The engine's API over HTTP and WebSocket, as the contract writes it.

A request passes `protocol` (deadlines, connections), `guard` (who asks, how much goes on), and the routes of `app`,
which come from `wire.operations`. One adapter reads its body (`bodies`) and turns it into a call of a plain function
(`handlers`) in a thread of its lane (`lanes`); one table turns failures into answers. It never imports `client` and
holds no state but the engine. Start reading at `app`.
"""
