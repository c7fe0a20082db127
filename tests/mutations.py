"""Mutations of bytes: what a disk, a memory or a person may do to a stored value."""

from hypothesis import strategies as st


def mutations(content: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy of bytes that differ from `content`.

    One bit flips, some bytes are overwritten, the end is cut, or bytes are added.
    """
    position = st.integers(0, max(len(content) - 1, 0))
    some_bytes = st.binary(min_size=1, max_size=64)
    flipped = st.builds(lambda at, bit: _flipped(content, at, bit), position, st.integers(0, 7))
    overwritten = st.builds(
        lambda at, new: content[:at] + new + content[at + len(new) :], position, some_bytes
    )
    cut = position.map(lambda at: content[:at])
    longer = some_bytes.map(lambda new: content + new)
    return st.one_of(flipped, overwritten, cut, longer).filter(lambda mutated: mutated != content)


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :] if content else b"x"
