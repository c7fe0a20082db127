"""What we answer: request, slate, impression."""
