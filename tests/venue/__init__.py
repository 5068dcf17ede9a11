"""What tests of a venue share: a venue without a node around it, and members that talk to it."""
