"""Pure functions on images as numpy arrays: files, colour, resizing, metrics.

Nothing is re-exported here, so that reading a file does not import what resizing needs, and so
that the name ``resize`` means the module. Import from the modules:

- ``atomic``: write a file all or nothing
- ``io``: find, read and write images (``decode`` and ``encode`` are its formats)
- ``color``: value ranges, luma, grey, alpha
- ``resize``: MATLAB-like bicubic
- ``metrics``: PSNR and SSIM, over all channels and over luma
"""
