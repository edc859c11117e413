"""Facts about colours in training sets."""

RGB_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean of DIV2K in [0, 1], which CARN and RCAN take off and add again."""
