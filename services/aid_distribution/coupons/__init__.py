"""Coupons of households for distributions: entitlement that is stock too, signed, and good for one hand-out."""
