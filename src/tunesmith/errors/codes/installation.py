"""K7xx: installation."""

from __future__ import annotations

from tunesmith.errors.codes.code import Code

INSTALLATION: dict[str, Code] = {
    "K701": Code(
        "An optional library is missing",
        "Core dependencies stay few; what only some users need is an extra.",
        "Run the install line that the message prints, then the same command again.",
    ),
    "K710": Code(
        "There is no such word",
        "The command line takes one of a few words here.",
        "Take the near one that the message suggests, or look at the command's --help.",
    ),
    "K711": Code(
        "A file is already there",
        "Nothing is written over without being asked to.",
        "Choose another name, or add --force.",
    ),
    "K712": Code(
        "The command needs one thing more",
        "Without it the command could not know what to work on, or would destroy something unasked.",
        "Add what the message names.",
    ),
}
