"""The HTTP service: routes, headers, OpenAPI, and the BentoML service."""
