"""HTML pages: layout, theme, static files, and the policy that keeps them to this host.

The evaluation report has the theme; pages of a server derive from `templates/layout.html`.
"""

from training.pages.policy import image_origin, is_local_host, page_headers
from training.pages.rendering import environment
from training.pages.static_files import THEME, static_file

__all__ = [
    "THEME",
    "environment",
    "image_origin",
    "is_local_host",
    "page_headers",
    "static_file",
]
