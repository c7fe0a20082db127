"""What a shopper means by a query: its words, their spelling, price limits, category and brand."""
