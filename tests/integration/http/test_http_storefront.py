"""The storefront over HTTP: who may use it, its forms, and the events that it sends."""

import json
import re
import shlex
import uuid
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.scale import seconds

TOKEN = re.compile(r'name="token" value="(\w+)"')


class Shopper:
    """A browser without scripts, at the storefront of a service."""

    def __init__(self, service):
        self.service = service
        self.http = httpx.Client(
            base_url=service.url, timeout=seconds(20), trust_env=False, follow_redirects=True
        )

    def open(self, path):
        answer = self.http.get(f"/shop/{path}")
        return answer, unescape(answer.text)

    def send(self, path, **fields):
        _, text = self.open("shoppers")
        return self.http.post(f"/shop/{path}", data={"token": TOKEN.search(text)[1], **fields})

    def play(self, user):
        return self.send("play", other=user, back="/shop/")

    def links(self, text):
        return re.findall(r'href="(/shop/item\?id=[^"]*from=[^"]*)"', text)


@pytest.fixture
def shopper(service):
    browser = Shopper(service)
    with browser.http:
        browser.play(f"shopper-{uuid.uuid4().hex[:8]}")
        yield browser


def events_of(service, **values):
    """Return the logged events with some values, oldest first."""
    return [
        event
        for event in service.log.unsealed()
        if all(getattr(event, name, None) == value for name, value in values.items())
    ]


def user_of(shopper):
    return re.search(r"For you, <bdi>([\w-]+)</bdi>", shopper.open("")[1])[1]


def test_the_first_page_needs_no_key_and_no_cookie(service):
    answer = service.http.get("/shop/")

    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert policy.endswith("img-src 'self'")
    assert "HttpOnly; Path=/shop; SameSite=strict" in answer.headers["set-cookie"]
    assert service.http.get("/shop").headers["location"] == "/shop/"


def test_a_page_of_another_host_cannot_use_the_storefront(service):
    for headers in ({"host": "evil.example"}, {"host": "127.0.0.1", "origin": "https://evil.ex"}):
        answer = service.http.post("/shop/cart/add", headers=headers, data={"item": "i00001"})
        assert answer.status_code == 403


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "guessed"}])
@pytest.mark.parametrize(
    "form", ["play", "cart/add", "cart/remove", "cart/order", "hide", "unhide"]
)
def test_a_form_without_the_token_of_its_page_changes_nothing(shopper, form, token):
    answer = shopper.http.post(f"/shop/{form}", data={"item": "i00001", **token})

    assert answer.status_code == 403
    assert "the token of this page" in answer.text
    assert "The cart is empty" in shopper.open("cart")[1]


def test_a_click_is_one_event_although_the_page_is_loaded_twice(service, shopper):
    user = user_of(shopper)
    link = shopper.links(shopper.open("")[1])[0]

    pages = [shopper.http.get(link).text for _ in range(2)]

    clicks = events_of(service, kind="interaction", user_id=user, type="click")
    assert all("Opening this page was a click" in page for page in pages)
    assert len(clicks) == 1
    assert clicks[0].request_id in link


def test_a_link_of_another_visit_and_a_prefetch_are_no_clicks(service, shopper):
    user = user_of(shopper)
    link = shopper.links(shopper.open("")[1])[0]

    prefetched = shopper.http.get(link, headers={"Sec-Purpose": "prefetch"})
    copied = httpx.get(service.url + link, trust_env=False)

    assert "was a click" not in prefetched.text
    assert "was a click" not in copied.text
    assert events_of(service, kind="interaction", user_id=user) == []


def test_cart_order_and_dislike_are_events_of_the_shopper(service, shopper):
    user = user_of(shopper)

    shopper.send("cart/add", item="i00001")
    shopper.send("cart/add", item="i00002")
    shopper.send("cart/remove", item="i00002")
    ordered = shopper.send("cart/order")
    shopper.send("hide", item="i00003", back="/shop/")

    sent = events_of(service, kind="interaction", user_id=user)
    assert "is simulated" in ordered.text
    assert [(event.type, event.item_id) for event in sent] == [
        ("add_to_cart", "i00001"),
        ("add_to_cart", "i00002"),
        ("purchase", "i00001"),
        ("not_interested", "i00003"),
    ]


def item_of(link):
    """Return the item that a link leads to; other tests leave odd ids in the shop."""
    return parse_qs(urlsplit(unescape(link)).query)["id"][0]


def test_impressions_are_those_items_that_the_page_shows(service, shopper):
    user = user_of(shopper)
    first = shopper.links(shopper.open("")[1])
    hidden = item_of(first[0])

    shopper.send("hide", item=hidden, back="/shop/")
    links = shopper.links(shopper.open("")[1])

    listed = [item_of(link) for link in links]
    shown = [e for e in events_of(service, kind="ranking", user_id=user) if e.surface == "home"][-1]
    assert hidden not in listed
    assert [item.item_id for item in shown.items] == listed[: len(shown.items)]
    assert len(shown.items) == 12


def test_hidden_items_can_be_shown_again(shopper):
    shopper.send("hide", item="i00003", back="/shop/")

    again = shopper.send("unhide", back="/shop/shoppers")

    assert "hidden item" not in again.text


def test_a_form_never_leads_to_another_site(shopper):
    for back in ("https://evil.example/", "//evil.example", "/shop/\\evil", "/rank"):
        answer = shopper.send("unhide", back=back)
        assert answer.url.path == "/shop/"


@pytest.mark.parametrize(
    "cookie", ["", "x", "e30=", "eyJzZXNzaW9uIjoiIiwidG9rZW4iOiIifQ==", "\udcff", "A" * 4000]
)
def test_a_damaged_cookie_begins_a_new_visit(service, cookie):
    headers = {"Cookie": b"aisle_visitor=" + cookie.encode("utf-8", "surrogateescape")}

    answer = httpx.get(f"{service.url}/shop/cart", headers=headers, trust_env=False)

    assert answer.status_code == 200
    assert "The cart is empty" in answer.text


def test_the_command_of_a_list_gives_the_same_items(shopper, service):
    _, text = shopper.open("search?q=red+boot&f.color=red")
    body = re.search(r"curl \S+/search --json '(.*)'</code>", text)[1]

    items = [item["item"] for item in service.http.post("/search", content=body).json()["items"]]

    listed = [re.search(r"id=([\w.-]+)", link)[1] for link in shopper.links(text)]
    assert items == listed


def test_a_hostile_id_cannot_run_anything_in_the_copied_command(shopper, service):
    user = "x'; touch hit; echo \"$(id)`id`"
    text = unescape(shopper.play(user).text)
    _, stored = shopper.open("shoppers")

    for page, address in ((text, "/recommend/home"), (stored, "/users/")):
        command = re.search(rf"(curl [^<]*{address}[^<]*)</code>", page)[1]
        words = shlex.split(command)
        assert words[0] == "curl"
        assert words[1].startswith(service.url + address)
        assert words[2:] == [] or json.loads(words[3])["user"] == user


def test_a_condition_can_be_undone(shopper):
    _, text = shopper.open("search?q=red+boot+under+20")

    undone = re.search(r'<a href="(/shop/search\?q=[^"]*)"><bdi>search for any price', text)[1]
    answer = shopper.http.get(undone)
    assert "price up to 20" in text
    assert "price up to 20" not in answer.text


def test_three_orders_are_next_to_each_other_with_moves(shopper, service):
    shopper.play(service.users[0])

    _, text = shopper.open("compare")

    assert [text.count(f">{name}<") for name in ("Popularity", "Personalized")] == [1, 1]
    assert text.count('class="move') == 10
    assert text.count("Not interested") == 10
    assert "was a click" in shopper.http.get(shopper.links(text)[0]).text


def test_the_reasons_of_an_item_are_words_plots_and_sources(shopper):
    def first_item_explained():
        """Return the page of an item that a ranker ordered; while Redis recovers there is none."""
        item = item_of(shopper.links(shopper.open("")[1])[0])
        _, text = shopper.open(f"why?id={item}&list=home")
        return text if text.count("<figure>") >= 2 else ""

    text = shopper.service.eventually(first_item_explained)
    assert "Position " in text
    assert "It comes from:" in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nothing", 404),
        ("category", 404),
        ("item?id=", 400),
        ("why?id=nothing", 404),
        ("search?sort=nothing", 400),
        ("search?page=100000", 200),
        ("search?q=" + "x" * 20_000, 413),
        ("moves?before=a&after=b", 200),
        ("static/nothing.css", 404),
        ("static/..%2Fpage.py", 404),
    ],
)
def test_an_error_is_a_page_in_words(shopper, path, status):
    answer, text = shopper.open(path)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert status == 200 or "expected" in text


def test_static_files_are_stored_by_browsers_and_pages_are_not(service):
    text = service.http.get("/shop/").text
    style = re.search(r'href="([^"]*shop\.css[^"]*)"', text)[1]

    assert "immutable" in service.http.get(style).headers["cache-control"]
    assert service.http.get("/shop/").headers["cache-control"] == "no-store"
