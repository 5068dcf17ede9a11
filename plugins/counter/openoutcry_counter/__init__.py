"""A counter that two nodes keep together: each increment counts at both of them, once, or at neither."""
