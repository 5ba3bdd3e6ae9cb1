"""Borrowed-card rings: visits, co-visits beyond chance, groups grown from them, and what could explain them."""
