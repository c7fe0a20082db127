"""The online store and the materialization engine as Feast loads them."""
