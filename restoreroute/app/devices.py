"""Where tensors live."""

from __future__ import annotations

import torch

from restoreroute.errors import InputError


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; ``"auto"`` takes a GPU where there is one.

    Raises:
        InputError: if there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"can't use device {name!r}: {reason}", hint="use --device cpu") from None
    return device
