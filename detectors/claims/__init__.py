"""Claims that cannot be right, each judged by itself or by a place's share of them."""
