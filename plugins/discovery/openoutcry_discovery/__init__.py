"""A lit venue: order books that members trade on and anyone may watch."""
