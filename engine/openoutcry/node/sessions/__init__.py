"""What two nodes say before they trade messages, and how much one of them may send: without a socket or a clock."""
