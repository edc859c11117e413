"""From a plugin to its offerings, or to one sentence on what is wrong with it.

Each plugin gets a pluggy manager of its own, so that plugins can't clash in, wrap or see one another.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import pluggy

from restoreroute.errors import PluginError, nearest
from restoreroute.plugin import hookspecs
from restoreroute.plugin.catalogue import Catalogue, Kind
from restoreroute.plugin.discovery import Candidate
from restoreroute.plugin.hookspecs import PROJECT
from restoreroute.plugin.origin import BLOCK_VARIABLE
from restoreroute.spec.offering import Offering
from restoreroute.spec.options import Options

KINDS = {kind.hook: kind for kind in Catalogue.kinds()}
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def collect(candidate: Candidate) -> tuple[Offering[Any], ...]:
    """Load a plugin and call its hooks.

    Raises:
        PluginError: if anything is wrong with it; nothing that the plugin raises gets past this.
    """
    with _blaming(candidate, "failed to load:"):
        plugin = candidate.load()
    # Even looking at an object may raise: a module's __getattr__, a property, a sequence of the plugin's own.
    with _blaming(candidate, "can't be inspected:", let_through=PluginError):
        found = _implementations(candidate, plugin)
        offers = [offer for hook, function in found for offer in _call(candidate, KINDS[hook], function)]
    _refuse_repeats(candidate, offers)
    return tuple(offers)


@contextmanager
def _blaming(candidate: Candidate, what: str, *, let_through: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Turn whatever is raised inside, an exit too, into a PluginError that names the plugin."""
    try:
        yield
    except let_through:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{what} {_raised(error, candidate)}",
            where=candidate.title,
            hint=f"repair, update or uninstall {candidate.distribution}, or set {BLOCK_VARIABLE}={candidate.key}",
        ) from error


def _implementations(candidate: Candidate, plugin: object) -> list[tuple[str, Callable[[], object]]]:
    """The plugin's functions with the names of their hooks."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    _refuse_unmarked(candidate, plugin, manager)
    try:
        manager.register(plugin, name=candidate.key)
    except pluggy.PluginValidationError as error:
        definition = ": ".join(str(error).splitlines()[1:])
        raise PluginError(definition, where=candidate.title, hint="hooks take no arguments") from error
    callers = manager.get_hookcallers(plugin) or []
    found = [(caller.name, implementation) for caller in callers for implementation in caller.get_hookimpls()]
    if not found:
        raise PluginError(
            f"{candidate.value} has no hook",
            where=candidate.title,
            hint=f"define one of {', '.join(KINDS)} with @restoreroute.hookimpl",
        )
    return [(hook, found_as.function) for hook, found_as in found if _known(candidate, hook, found_as)]


def _known(candidate: Candidate, hook: str, implementation: pluggy.HookImpl) -> bool:
    """False for a hook of another version of restoreroute that the plugin marks as optional."""
    if hook not in KINDS:
        if implementation.optionalhook:
            return False
        close = nearest(hook, KINDS)
        hint = f"did you mean {close}?" if close else f"hooks are {', '.join(KINDS)}"
        raise PluginError(f"no hook is called {hook}", where=candidate.title, hint=hint)
    if implementation.wrapper or implementation.hookwrapper:
        raise PluginError(
            f"{hook} is marked as a wrapper",
            where=candidate.title,
            hint="there is nothing to wrap, a hook returns the plugin's own offerings: use a bare @hookimpl",
        )
    return True


def _refuse_unmarked(candidate: Candidate, plugin: object, manager: pluggy.PluginManager) -> None:
    """Find functions of the plugin that are meant as hooks, by their names, but carry no marker."""
    package = candidate.module.partition(".")[0]
    for name in dir(plugin):
        function = inspect.getattr_static(plugin, name, None)
        if not inspect.isfunction(function) or function.__module__.partition(".")[0] != package:
            continue
        hook = _meant(name)
        if hook and manager.parse_hookimpl_opts(plugin, name) is None:
            renamed = "" if hook == name else f" and call it {hook}"
            raise PluginError(
                f"{name} is not marked as a hook",
                where=candidate.title,
                hint=f"put @restoreroute.hookimpl above it{renamed}",
            )


def _meant(name: str) -> str | None:
    """The hook that a function's name stands for.

    Only what follows the common prefix is compared, and strictly: helpers such as ``restoreroute_task_names``
    are nobody's hook.
    """
    if not name.startswith(f"{PROJECT}_"):
        return None
    tails = {hook.removeprefix(f"{PROJECT}_"): hook for hook in KINDS}
    close = get_close_matches(name.removeprefix(f"{PROJECT}_"), tails, n=1, cutoff=0.8)
    return tails[close[0]] if close else None


def _call(candidate: Candidate, kind: Kind[Any], function: Callable[[], object]) -> Iterator[Offering[Any]]:
    with _blaming(candidate, f"{kind.hook}() raised"):
        returned = function()
    # pluggy's own call drops a None, which is most often a forgotten return.
    if not isinstance(returned, Sequence) or isinstance(returned, str):
        raise PluginError(
            f"{kind.hook}() returned {_a(type(returned))}",
            where=candidate.title,
            hint=f"return a list of {kind.offer.__name__}, empty if there is nothing to offer",
        )
    for position, item in enumerate(returned):
        flaw = _flaw(item, kind)
        if flaw:
            what, hint = flaw
            raise PluginError(f"item {position} of {kind.hook}() {what}", where=candidate.title, hint=hint)
        yield item


def _flaw(item: object, kind: Kind[Any]) -> tuple[str, str] | None:
    """What is wrong with one item that a hook returned, and the fix."""
    expected = kind.offer.__name__
    if not isinstance(item, kind.offer):
        if item is kind.offer:
            return f"is the class {expected} itself", f"make one: {expected}(name=..., ...)"
        other = next((hook for hook, known in KINDS.items() if isinstance(item, known.offer)), None)
        hint = f"return it from {other}()" if other else f"make it {_a(kind.offer)}"
        return f"is {_a(type(item))}, not {_a(kind.offer)}", hint
    name = item.name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return f"is called {name!r}", "names are lower case letters, digits and _ . -, without spaces"
    if not callable(item.build):
        return f"({name!r}) has {_a(type(item.build))} as its build", "build is a function"
    if not (isinstance(item.options, type) and issubclass(item.options, Options)):
        return (
            f"({name!r}) has options {item.options!r}",
            "options is a subclass of restoreroute.spec.options.Options",
        )
    return None


def _refuse_repeats(candidate: Candidate, offers: Sequence[Offering[Any]]) -> None:
    seen: set[tuple[str, str]] = set()
    for offer in offers:
        if (offer.kind, offer.name) in seen:
            raise PluginError(
                f"offers {offer.kind} {offer.name!r} twice", where=candidate.title, hint="rename one of them"
            )
        seen.add((offer.kind, offer.name))


def _raised(error: BaseException, candidate: Candidate) -> str:
    """One line: type, message, and the deepest line of the plugin's own code that led to it."""
    message = " ".join(str(error).split())
    package = candidate.module.partition(".")[0]
    lines = [
        f" at {frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    if isinstance(error, SyntaxError) and error.filename:
        message = str(error.msg)
        lines = [f" at {error.filename}:{error.lineno}"]
    return f"{type(error).__name__}: {message}{lines[-1] if lines else ''}"


def _a(cls: type) -> str:
    article = "an" if cls.__name__[0].lower() in "aeiou" else "a"
    return f"{article} {cls.__name__}"
