"""What nodes say to each other, as bytes: control messages, record frames, signed objects, numbered streams.

Line 1 of the engine: pure functions and state machines over bytes; imports only the domain. What comes from a stranger
is never an exception: each decoder answers with a value or a `WireFault`, and checks a length before it believes it.
numpy is imported only in `frames` (and by what uses it), PyNaCl only in `ed25519`, msgpack only in `tap`.
"""
