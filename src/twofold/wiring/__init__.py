"""The composition root: only this room knows which adapter stands behind which port.

``house`` puts the engine and its store together for everybody; ``serve`` adds what only a server
needs. They are apart because a command must not pay for loading a web server.
"""
