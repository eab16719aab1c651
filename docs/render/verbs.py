"""A page a verb, from its parser."""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points

from cytogate.model.command.dispatch import GROUP, Verb
from docs.render.text import Pages, code, contents, page, table

EXIT_CODES = (
    "The exit code is 0 when all is done, 1 when a check failed, 2 for input that cannot be used or a tool that is "
    "missing, 70 for a fault of Cytogate itself, 130 after an interruption. What is wrong is said in one sentence on "
    "standard error; of a fault of Cytogate's own, after the traceback that a report of it needs."
)


def pages() -> Pages:
    """Return ``reference/verbs/VERB.md`` of each registered verb, and their index."""
    verbs: dict[str, Verb] = {
        entry.name: entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name)
    }
    rows = [(f"[`cytogate {name}`]({name}.md)", verb.summary) for name, verb in verbs.items()]
    index = page("Verbs", EXIT_CODES, table(("command", "what it does"), rows), contents(verbs, hidden=True))
    return {
        "reference/verbs/index.md": index,
        **{f"reference/verbs/{name}.md": _page(name, verb) for name, verb in verbs.items()},
    }


def _page(name: str, verb: Verb) -> bytes:
    parser = argparse.ArgumentParser(prog=f"cytogate {name}", description=verb.summary)
    verb.add_arguments(parser)
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)  # type: ignore[assignment]
    actions = [each for each in parser._actions if not isinstance(each, argparse._HelpAction)]
    rows = [(f"`{_spelled(each)}`", _help(each), _default(each)) for each in actions]
    options = table(("argument", "what", "default"), rows) if rows else "It takes no arguments."
    return page(f"cytogate {name}", verb.summary, code(parser.format_usage()), options)


def _spelled(action: argparse.Action) -> str:
    value = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
    if not action.option_strings:
        return str(value or action.dest)
    return f"{', '.join(action.option_strings)} {(value or action.dest.upper()) if action.nargs != 0 else ''}".strip()


def _help(action: argparse.Action) -> str:
    told = (action.help or "").replace("%%", "%").replace("<", "&lt;")
    chosen = f" One of {', '.join(f'`{each}`' for each in action.choices)}." if action.choices else ""
    return f"{told}{chosen}{' Required.' if action.required else ''}"


def _default(action: argparse.Action) -> str:
    if action.default is None or action.default is False or action.default is argparse.SUPPRESS:
        return ""
    return f"`{action.default}`"
