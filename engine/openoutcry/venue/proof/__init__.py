"""Proof of order: what a member and a venue sign, so that neither can later tell another story. Pure, without a clock.

docs/explanation/proof-of-order.md says what each part shows, and what it does not.
"""
