"""The engine's API over HTTP and WebSocket, as the contract writes it.

Routes come from `wire.operations`, one adapter turns each into a call of a plain function, one table turns failures
into answers. It never imports `client` and holds no state but the engine. Start reading at `app`.
"""
