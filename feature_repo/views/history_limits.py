"""How much of a user's recent past one row of `user_recent` carries, and how it is written.

The row holds two sets of parallel arrays, newest first: the last clicked and the last shown items,
their instants, and per taste field their values as known at that event.
"""

K_CLICKED = 40
"""Clicked items a row carries at most."""

K_SHOWN = 80
"""Shown items a row carries at most."""

K_QUERY_ITEMS = 50
"""Clicked items a row of `query_clicked_items` carries at most."""

VALUE_SEPARATOR = "\x1f"
"""Between the values of a list field; a value that is missing is the empty text."""
