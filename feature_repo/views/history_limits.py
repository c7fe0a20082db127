"""The limits of history rows and the separator of their values.

A row of `user_recent` or `session_recent` has two sets of parallel arrays, newest first: the last
clicked and the last shown items, their instants, and for each taste field their values as of that
event.
"""

K_CLICKED = 40
"""Maximum number of clicked items in a row."""

K_SHOWN = 80
"""Maximum number of shown items in a row."""

K_BOUGHT = 100
"""Maximum number of items in a row of `user_purchases`."""

K_QUERY_ITEMS = 50
"""Maximum number of items in a row of `query_clicked_items`."""

VALUE_SEPARATOR = "\x1f"
"""Separates the values of a list field; a missing value is the empty text."""
