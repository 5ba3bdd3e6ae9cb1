"""Packs and stock: trace codes sold twice, goods short of codes, and ledgers that do not cover the sales."""
