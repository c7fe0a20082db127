"""Kinds of the published indexes that are read by name."""

ITEM_TABLE = "assortment"
LEXICAL = "lexical"
UNDERSTANDING = "understanding"
COMPLETIONS = "completions"
NEWEST = "newest"
