"""A cookie gives the visitor back, and stays small."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from serving.storefront.visitor import COOKIE, Visitor, read_visitor, set_visitor

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200).filter(
    str.strip
)


def stored(visitor):
    response = Response()
    set_visitor(response, visitor)
    cookie = response.headers["set-cookie"].partition(";")[0]
    assert len(cookie) < 4000
    return read_visitor(Request({"type": "http", "headers": [(b"cookie", cookie.encode())]}))


def test_a_visitor_comes_back_from_its_cookie():
    visitor = Visitor("s", "t", "ann", "uk", True, ("a", "b"), ("c",), {"home": "r1"})

    assert stored(visitor) == visitor


@given(st.lists(IDS, max_size=60), st.lists(IDS, max_size=60))
def test_a_visitor_of_any_size_is_stored(cart, hidden):
    visitor = stored(Visitor("s", "t", "ann", None, False, tuple(cart), tuple(hidden)))

    assert visitor is None or (visitor.session, visitor.token) == ("s", "t")
    assert visitor is not None


def test_another_shopper_begins_a_new_visit_with_the_same_token():
    visitor = Visitor("s", "t", "ann", "uk", cart=("a",), slates={"home": "r"})

    other = visitor.playing("ben", "de")

    assert (other.user, other.market, other.token) == ("ben", "de", "t")
    assert (other.cart, other.slates) == ((), {})
    assert other.session != "s"


def test_only_the_newest_answers_are_remembered():
    visitor = Visitor("s", "t")
    for n in range(9):
        visitor = visitor.with_slate(f"list {n}", f"r{n}")

    assert list(visitor.slates.values()) == ["r3", "r4", "r5", "r6", "r7", "r8"]


def test_a_request_without_a_cookie_has_no_visitor():
    assert read_visitor(Request({"type": "http", "headers": []})) is None
    assert COOKIE == "aisle_visitor"
