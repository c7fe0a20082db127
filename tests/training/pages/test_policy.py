"""A page loads files of its own host alone, and images of the named hosts."""

import pytest

from training.pages import image_origin, page_headers


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:image/svg+xml,<svg/>",
        "/picture.png",
        "picture.png",
        "https://",
        "https://user@img.example/a.png",
        "https://img.example;script-src *//a.png",
        "https://img.example https://evil.example/a.png",
        "https://img.example:x/a.png",
        "https://[::1/a.png",
        None,
        7,
    ],
)
def test_an_address_that_is_no_image_on_the_web_has_no_origin(address):
    assert image_origin(address) is None


def test_the_policy_names_the_hosts_of_images_and_allows_nothing_inline():
    policy = page_headers({"https://b.example", "https://a.example"})["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'")
    assert policy.endswith("img-src 'self' https://a.example https://b.example")
    assert "unsafe" not in policy
