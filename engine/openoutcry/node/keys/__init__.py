"""The keys of a node: made, kept in a file under a passphrase, opened, given out by a service, renewed, revoked.

Whoever runs a node needs `parse_unlock` and `open_secrets`; whoever checks other nodes needs `load_revocations`.
"""
