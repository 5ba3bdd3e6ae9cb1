"""Pharmacy–patient collusion: each visit weighed by joint evidence, then the buyers who carry the excess."""
