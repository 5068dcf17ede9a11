"""What the tests of the wire share: samples, golden bytes, strategies made from the message types."""
