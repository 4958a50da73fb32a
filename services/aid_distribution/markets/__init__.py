"""Cheap markets: announced, open, closed, settled; coupons that count once, sales of counters that were offline."""
