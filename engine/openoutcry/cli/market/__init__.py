"""The first market: a venue and its members as own processes, fed with recorded order flow over the network."""
