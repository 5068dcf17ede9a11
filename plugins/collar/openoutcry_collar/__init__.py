"""A price collar: refuses orders whose price is too far from the last trade of their pair."""
