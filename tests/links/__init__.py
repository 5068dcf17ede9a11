"""Links between nodes on loopback, and peers that abuse them."""
